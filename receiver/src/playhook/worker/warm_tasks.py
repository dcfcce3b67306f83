# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the process of each task and host would do again, done once before it is forked.

Ansible forks for every task on every host, and what such a process finds out ends with it. Done in the job's own
process, by Ansible's own code, it is inherited: the code of the templates that a task's arguments are, which depends on
their text and on settings alone, and where plugins are that any task needs.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import CodeType
from typing import Any, Final

_MOST_TEXT: Final = 64 * 1024  # characters of one task's templates
_PLUGINS: Final = {"connection_loader": "local", "shell_loader": "sh"}


def prepare_tasks() -> None:
    """Have this process and those forked from it prepare each task before it forks for the task's hosts."""
    with suppress(AttributeError, ImportError, KeyError):  # of another version: then each process does it
        process: Any = sys.modules["ansible.executor.process.worker"].WorkerProcess
        preparation, start = _Preparation(), process.start

        def start_prepared(self: Any) -> None:
            preparation.prepare(self._task)
            start(self)

        process.start = start_prepared


class _Preparation:
    def __init__(self) -> None:
        """Raises AttributeError, ImportError or KeyError where Ansible is not as known here."""
        self._codes = _Codes()
        self._loaders = sys.modules["ansible.plugins.loader"]
        self._is_trusted = sys.modules["ansible._internal._datatag._tags"].TrustedAsTemplate.is_tagged_on
        self._prepared: set[str] = set()

    def prepare(self, task: Any) -> None:
        """Do it for a task, once; what fails is left to who needs it, and fails there."""
        if task._uuid in self._prepared:
            return
        for loader, name in ({} if self._prepared else _PLUGINS).items():
            with suppress(Exception):
                getattr(self._loaders, loader).find_plugin(name)
        self._prepared.add(task._uuid)
        with suppress(Exception):
            self._codes.compile_ahead(text for text in _find_texts(task.args) if self._is_trusted(text))


class _Codes:
    """The code of templates that this process, or the one it was forked from, has compiled."""

    def __init__(self) -> None:
        bits: Any = sys.modules["ansible._internal._templating._jinja_bits"]
        hides: Any = sys.modules["jinja2.utils"].internalcode  # from tracebacks
        self._context, self._settings = bits._TemplateCompileContext, bits._TEMPLATE_OVERRIDE_FIELD_NAMES
        self._environment = bits.AnsibleEnvironment
        self._compile: Callable[..., Any] = self._environment.compile
        self._codes: dict[tuple[Any, ...], CodeType] = {}

        def compile_once(environment: Any, source: Any, *args: Any, **options: Any) -> Any:
            return self._find(environment, source, *args, **options)

        self._environment.compile = hides(compile_once)

    def _find(self, environment: Any, source: Any, *args: Any, **options: Any) -> Any:
        """Return what jinja2's Environment.compile() does, or raise it."""
        if args or options or not isinstance(source, str) or environment._debuggable_template_source:
            return self._compile(environment, source, *args, **options)
        context = self._context.current(optional=True)
        settings = (getattr(environment, name) for name in self._settings)
        key = (str(source), context is not None and context.escape_backslashes, *settings)
        if key not in self._codes:
            self._codes[key] = self._compile(environment, source)
        return self._codes[key]

    def compile_ahead(self, texts: Iterator[str]) -> None:
        """Compile those that may be templates."""
        left = _MOST_TEXT
        environment = self._environment()
        with self._context(escape_backslashes=True):
            for text in texts:
                left -= len(text)
                if left < 0:
                    return
                if "{" in text:
                    with suppress(Exception):
                        environment.compile(text)


def _find_texts(value: Any) -> Iterator[str]:
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, str):
            yield each
        elif isinstance(each, dict):
            waiting += each.values()
        elif isinstance(each, (list, tuple)):
            waiting += each
