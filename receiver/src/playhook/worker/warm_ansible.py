# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible, imported once in a fork server, and made a job's own in each process that is forked from it.

Most of ansible-playbook's start is importing itself. While it does so it reads its configuration, in which the paths
of a job's own directories stand. Here it is imported in a directory that looks like a job's, the *stage*. A job's
process then reads the configuration again, as its own environment and ansible.cfg say, and goes on only if that gives
what was imported, but for the paths. Anything else makes it execute the real ansible-playbook.

What else a program gets by being started is made anew too: random values, the terminal's settings, temporary
directories, signals. Everything of Ansible's that this touches is looked for at import, and missing parts refuse.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import multiprocessing
import multiprocessing.process
import os
import secrets
import shutil
import signal
import site
import sys
import sysconfig
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any, Final, NoReturn

from playhook.worker import trees
from playhook.worker.warm_documents import read_ahead
from playhook.worker.warm_leaks import find_holders
from playhook.worker.warm_tasks import prepare_tasks
from playhook.worker.warm_templates import make_scanner, remember_templates

# Read when they are used; nothing at import depends on them.
_READ_LATER: Final = frozenset({"COLLECTIONS_PATHS", "DEFAULT_ROLES_PATH"})
_MOST_DESCRIPTORS: Final = 1 << 20
# Imported by every playbook, and never found by a search path that a project can change: no plugins.
_MORE: Final = (
    "ansible.executor.process.worker",
    "ansible.executor.task_executor",
    "ansible.executor.task_queue_manager",
    "ansible.playbook.handler_task_include",
    "ansible.playbook.role_include",
    "ansible.plugins.action",
    "ansible.plugins.cache",
    "ansible.plugins.callback",
    "ansible.plugins.connection",
    "ansible.plugins.inventory",
    "ansible.plugins.lookup",
    "ansible.plugins.shell",
    "ansible.plugins.strategy",
    "ansible.plugins.vars",
    "ansible.template",
    "ansible.utils.hashing",
    "ansible.utils.shlex",
    "ansible.vars.hostvars",
    "ansible.vars.plugins",
    "multiprocessing.popen_fork",
    "multiprocessing.synchronize",
    "tomllib",
    "xml.dom.minidom",
    "xml.etree.ElementTree",
)
# What a job makes its own.
_TOUCHED: Final = {
    "ansible._internal._datatag._tags": ["Origin"],
    "ansible.config.manager": ["find_ini_config_file", "NativeEnvironment"],
    "ansible.plugins.loader": ["get_all_plugin_loaders"],
    "ansible.utils.color": ["ANSIBLE_COLOR"],
    "ansible.utils.display": ["Display", "_synchronize_textiowrapper"],
    "ansible.utils.path": ["cleanup_tmp_file"],
    "ansible.utils.vars": ["random_int", "_MAXSIZE"],
}


class Refused(Exception):
    """Ansible cannot be imported ahead here; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """One run. `argv` is the command line, `private` and `scratch` are the job's directories."""

    argv: list[str]
    environment: Mapping[str, str]
    private: str
    scratch: str
    before: Callable[[], None] = lambda: None


def import_ansible(stage: str, script: str) -> WarmAnsible:
    """Import Ansible in this process's environment and directory. Raises Refused, with the reason."""
    said = _import_quietly(stage)
    if said:
        raise Refused(f"Ansible has something to say while it is imported: {said}")
    config = sys.modules["ansible.constants"].config
    config._parsers.clear()
    config._get_ini_config_value.cache_clear()
    gc.collect()
    _check(stage)
    atexit.unregister(sys.modules["ansible.utils.path"].cleanup_tmp_file)  # the stage's; each job makes its own
    read_ahead()
    remember_templates()
    make_scanner()
    prepare_tasks()
    gc.freeze()
    return WarmAnsible(stage, script)


class WarmAnsible:
    """Ansible as this process has imported it in `stage`, with `script` as the command that it stands for."""

    def __init__(self, stage: str, script: str) -> None:
        self._stage, self._script = stage, script
        self._constants: Any = sys.modules["ansible.constants"]
        self._imported = self._describe(self._constants.config)

    def become(self, job: Job) -> None:
        """Be this job's ansible-playbook and never return; returns only if it must be executed instead."""
        try:
            self._make_own(job)
        except BaseException:  # noqa: BLE001  whatever it is: the real one will say it better
            return
        if self._describe(self._constants.config, job) != self._imported:
            return
        os.closerange(3, _MOST_DESCRIPTORS)  # also tells pexpect that the command runs
        trees.be_called("ansible-playbook")
        _run(job.before, sys.modules["ansible.cli.playbook"].main)

    def _make_own(self, job: Job) -> None:
        for number in (signal.SIGTERM, signal.SIGCHLD, signal.SIGUSR1):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.environ.clear()
        _forget_zone()
        os.environ.update(job.environment)
        time.tzset()
        sys.argv = [self._script, *job.argv]
        sys.path.insert(0, str(Path(self._script).resolve().parent))
        main = ModuleType("__main__")
        main.__file__ = self._script
        sys.modules["__main__"] = main
        tempfile.tempdir = None
        for remembered in _python_own():
            for name, value in remembered.items():
                if isinstance(value, str):
                    remembered[name] = value.replace(self._stage, job.private)
        multiprocessing.current_process().authkey = secrets.token_bytes(32)
        self._read_configuration()
        variables = sys.modules["ansible.utils.vars"]
        variables.random_int = f"{secrets.randbelow(variables._MAXSIZE):08x}"[:8]  # type: ignore[attr-defined]
        _take_terminal()

    def _read_configuration(self) -> None:
        """Have Ansible read its configuration again, from this job's environment and ansible.cfg."""
        constants, manager = self._constants, sys.modules["ansible.config.manager"]
        config = constants.config
        config.WARNINGS.clear()
        config.DEPRECATED.clear()
        config._errors.clear()
        config._parsers.clear()
        config._get_ini_config_value.cache_clear()
        config._config_file = manager.find_ini_config_file(config.WARNINGS)
        if config._config_file:
            config._parse_config_file()
        for name in config.get_configuration_definitions():
            value, old = config.get_config_value(name, variables=vars(constants)), getattr(constants, name)
            if isinstance(old, list) and isinstance(value, list):
                old[:] = value  # the plugin loaders hold the same list
            else:
                constants.set_constant(name, value)

    def _describe(self, config: Any, job: Job | None = None) -> str:
        names = [name for name in config.get_configuration_definitions() if name not in _READ_LATER]
        text = repr([(name, getattr(self._constants, name)) for name in names if name != "DEFAULT_LOCAL_TMP"])
        if job is None:
            return text
        own = {job.private: self._stage, job.scratch: f"{self._stage}/scratch"}
        for path in sorted(own, key=len, reverse=True):
            text = text.replace(path, own[path])
        return text


def _check(stage: str) -> None:
    """Raise Refused unless what was imported is as `WarmAnsible` must find it."""
    if sys.modules["ansible.constants"].DEFAULT_LOG_PATH:
        raise Refused("ansible.cfg names a log file, which Ansible opens when it is imported")
    if threading.active_count() > 1:
        raise Refused("Ansible has started a thread")
    for module, names in _TOUCHED.items():
        for name in names:
            if not hasattr(sys.modules[module], name):
                raise Refused(f"this version of ansible-core has no {module}.{name}")
    if foreign := _find_modules_below(stage):
        raise Refused(f"the project's own {foreign[0]} was imported")
    origin = sys.modules["ansible._internal._datatag._tags"].Origin  # where a value came from, for messages
    if holders := find_holders(stage, _expected_holders(), (FrameType, origin)):
        raise Refused(f"this version of ansible-core keeps a job's path where that is not known: {holders[0]}")


def _expected_holders() -> list[object]:
    """Return the objects that may hold the stage's paths, because a job replaces what they hold."""
    constants = vars(sys.modules["ansible.constants"])
    lists = [value for value in constants.values() if isinstance(value, list)]
    config = constants["config"]
    return [constants, config, vars(config), *lists, *_python_own(), sys.argv, sys.orig_argv, os.environ._data]  # type: ignore[attr-defined]


def _python_own() -> list[dict[str, Any]]:
    """Return where Python itself remembers the home and the directory that it was started in."""
    return [vars(multiprocessing.process), vars(site), sysconfig.get_config_vars()]


def _import_quietly(stage: str) -> str:
    """Import Ansible; returns the first line that it wrote, "" when there is none. Raises Refused."""
    with tempfile.TemporaryFile(dir=stage) as output:
        kept = [os.dup(number) for number in (1, 2)]
        for number in (1, 2):
            os.dup2(output.fileno(), number)
        try:
            importlib.import_module("ansible.cli.playbook")
            for name in _MORE:
                with suppress(ImportError):  # of another version
                    importlib.import_module(name)
        except (Exception, SystemExit) as error:  # noqa: BLE001  the edge of foreign code
            raise Refused(f"Ansible cannot be imported: {error!r}") from None
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for number, copy in zip((1, 2), kept, strict=True):
                os.dup2(copy, number)
                os.close(copy)
        output.seek(0)
        return output.read(500).decode(errors="replace").strip().partition("\n")[0]


def _forget_zone() -> None:
    """Have the time zone read again: its file may be another one by now, and the same name would not be looked at."""
    os.environ["TZ"] = "UTC"
    time.tzset()
    del os.environ["TZ"]


def _take_terminal() -> None:
    """Settle what Python and Ansible decide by looking at the terminal when they start."""
    display = sys.modules["ansible.utils.display"]
    for stream in (sys.stdin, sys.stdout):
        stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    importlib.reload(sys.modules["ansible.utils.color"])
    singleton = display.Display()
    singleton._set_column_width()
    # What keeps forks from taking over a held lock stops at the first fork, which was ours.
    for stream in (sys.stdout, sys.stderr):
        display._synchronize_textiowrapper(stream, singleton._lock)


def _run(before: Callable[[], None], main: Callable[[], object]) -> NoReturn:
    """Run both and end the process as Python would."""
    status: object = 1
    try:
        before()
        status = main()
    except SystemExit as end:
        status = end.code
    except BaseException:  # noqa: BLE001  the edge of the process
        sys.excepthook(*sys.exc_info())
    finally:
        try:
            threading._shutdown()  # type: ignore[attr-defined]
            atexit._run_exitfuncs()
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            if isinstance(status, str):
                os.write(2, f"{status}\n".encode(errors="replace"))
            os._exit(0 if status is None else int(status) & 0xFF if isinstance(status, int) else 1)


def _find_modules_below(directory: str) -> list[str]:
    return [
        name for name, module in list(sys.modules.items()) if str(vars(module).get("__file__")).startswith(directory)
    ]


def remove_stage(stage: str) -> None:
    """Remove the stage's files; the server that used it ends."""
    shutil.rmtree(stage, ignore_errors=True)
