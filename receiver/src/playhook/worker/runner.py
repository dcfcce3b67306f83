# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The adapter around ansible-runner; it runs in a job's own process, and no other file imports that library."""

from __future__ import annotations

import functools
import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import ansible_runner.interface
import ansible_runner.runner
import pexpect  # type: ignore[import-untyped]
from ansible_runner.config.runner import RunnerConfig

from playhook.worker.agent import Agent
from playhook.worker.event_log import EventLog
from playhook.worker.request import IDENT, Outcome, RunRequest, Started, artifacts_of
from playhook.worker.terminal import Terminal
from playhook.worker.warm_ansible import Job, WarmAnsible

_NO_FACT_CACHE: Final = ""  # no fact files: facts live as long as the run
_UUID: Final = re.compile(r"[0-9A-Fa-f-]{1,64}")
# Read from a file only: given as an argument and without that file, ansible-runner forgets them.
_SETTINGS: Final = {
    "pexpect_timeout": 0.5,  # how often a cancel and the timeout are looked at
    "suppress_output_file": True,
    "suppress_ansible_output": True,
}


def run_playbook(
    request: RunRequest,
    *,
    warm: WarmAnsible | None,
    on_start: Callable[[Started], None],
    on_event: Callable[[dict[str, Any]], None],
    on_read: Callable[[], None],
    on_exit: Callable[[], None],
    is_canceled: Callable[[], bool],
) -> Outcome:
    """Run ansible-playbook and return how it ended. `os.environ` must hold the job's environment and nothing else.

    With `warm` a fork of this process becomes ansible-playbook, where that can be trusted to be the same.

    `on_read` is called when events have come, for several at a time. `on_exit` is called when ansible-playbook itself
    has ended, and must end what it left behind: as long as that holds the terminal, ansible-runner waits for its
    output. Extra vars come by file, in `options`: what is given to ansible-runner as `extravars` ends up on the
    command line.
    """
    log = EventLog(artifacts_of(Path(request.private_dir)) / "job_events")
    _patch(request, warm, on_exit, on_read, lambda event: _hand_on(event, log, on_event))
    settings = Path(request.private_dir) / "env" / "settings"
    settings.parent.mkdir(mode=0o700)
    settings.write_text(json.dumps(_SETTINGS))
    result = ansible_runner.interface.run(
        private_data_dir=request.private_dir,
        project_dir=request.project_dir,
        ident=IDENT,
        playbook=request.playbook,
        inventory=request.inventory,
        cmdline=shlex.join(request.options),
        ssh_key=request.ssh_key,
        timeout=request.timeout or None,
        fact_cache_type=_NO_FACT_CACHE,
        suppress_env_files=True,
        json_mode=True,
        quiet=True,
        event_handler=lambda event: _hand_on_file(event, on_event),
        status_handler=lambda status, **_: _tell_start(status, on_start),
        cancel_callback=is_canceled,
    )
    log.close()
    canceled = is_canceled() and result.status != "successful"
    return Outcome(status="canceled" if canceled else result.status, rc=result.rc)


def _hand_on(event: dict[str, Any], log: EventLog, on_event: Callable[[dict[str, Any]], None]) -> bool:
    """Hand on an event that is in the log; False when it is not, and ansible-runner may know more of it."""
    known = log.take(event["uuid"]) if "uuid" in event else {}
    if known:
        on_event({**event, **known})
    return bool(known)


def _hand_on_file(event: dict[str, Any], on_event: Callable[[dict[str, Any]], None]) -> bool:
    on_event(event)
    return False  # no other file for this event


class _Filter(ansible_runner.runner.OutputEventFilter):  # type: ignore[misc]
    """Finds events in the output; `take` gets each first, and what it does not want is ansible-runner's."""

    def __init__(
        self,
        take: Callable[[dict[str, Any]], bool],
        handle: Any,
        event_callback: Callable[[dict[str, Any]], None],
        *more: Any,
        **named: Any,
    ) -> None:
        def hand_on(event: dict[str, Any]) -> None:
            if not take(event):
                event_callback(event)

        super().__init__(handle, hand_on, *more, **named)

    # Events are found between control characters in the output, where a payload's text stands too. Ansible's own
    # say nothing but a uuid there (the rest is in a file), so nothing else is believed: no forged events.
    def _emit_event(self, buffered_stdout: str, next_event_data: dict[str, Any] | None = None) -> dict[str, Any]:
        uuid = str((next_event_data or {}).get("uuid", ""))
        event: dict[str, Any] = super()._emit_event(buffered_stdout, {"uuid": uuid} if _UUID.fullmatch(uuid) else {})
        return event


def _tell_start(status: dict[str, Any], on_start: Callable[[Started], None]) -> None:
    if status["status"] == "starting":
        on_start(Started(command=status["command"], cwd=status["cwd"], environment=status["env"]))


def stage_environment(stage: str) -> dict[str, str]:
    """Return the environment that ansible-runner would give a job whose private directory is `stage`."""
    config = RunnerConfig(
        private_data_dir=stage,
        project_dir=f"{stage}/project",
        ident=IDENT,
        fact_cache_type=_NO_FACT_CACHE,
        suppress_env_files=True,
    )
    config.prepare_env()
    return dict(config.env)


def _patch(
    request: RunRequest,
    warm: WarmAnsible | None,
    on_exit: Callable[[], None],
    on_read: Callable[[], None],
    take: Callable[[dict[str, Any]], bool],
) -> None:
    """Correct some things in the libraries; this process runs one job and nothing else."""
    agent = Agent(socket=f"{request.environment['TMPDIR']}/agent")
    wrap_with_agent = RunnerConfig.wrap_args_with_ssh_agent
    inner: list[str] = []

    class Spawn(Terminal):
        has_ended = False

        def __init__(self, command: str, args: list[str], *, env: dict[str, str], **more: Any) -> None:
            def become() -> None:
                if warm is not None:
                    warm.become(
                        Job(
                            argv=(inner or [command, *args])[1:],
                            environment=env,
                            private=request.private_dir,
                            scratch=request.environment["TMPDIR"],
                            before=agent.start,
                        )
                    )

            super().__init__(command, args, env=env, preexec_fn=become, **more)
            self.on_read = on_read

        def isalive(self) -> bool:
            self.ptyproc.delayafterclose = 0  # else each run sleeps 0.1 s after it has ended
            alive: bool = super().isalive()
            if not alive and not self.has_ended:
                self.has_ended = True
                on_exit()
            return alive

    # ssh-agent's own choice is below /tmp, whatever TMPDIR says, and stays there when the agent is killed.
    def wrap(config: RunnerConfig, args: list[str], ssh_key_path: str) -> list[str]:
        inner[:], agent.key = args, ssh_key_path
        wrapped: list[str] = wrap_with_agent(config, args, ssh_key_path, ssh_auth_sock=agent.socket)
        return wrapped

    RunnerConfig.wrap_args_with_ssh_agent = wrap
    pexpect.spawn = Spawn
    ansible_runner.runner.OutputEventFilter = functools.partial(_Filter, take)
