# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands that prepare a job (git, ansible-galaxy): argument lists, a time limit, and no process left behind."""

from __future__ import annotations

import os
import selectors
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from playhook.errors import JobCannotRun
from playhook.worker import trees
from playhook.worker.stop import Stop

_LOOK: Final = 0.2  # seconds between looks at the stop and the clock
_CHUNK: Final = 65536
_KEPT: Final = 200_000  # characters of output that are kept for the caller


class CommandFailed(JobCannotRun):
    """A command ended with an error; `output` is what it printed."""

    def __init__(self, message: str, output: str) -> None:
        super().__init__(message)
        self.output = output


@dataclass(kw_only=True)
class Commands:
    """Runs commands for one job. `on_line` gets each line that one prints, `deadline` is by time.monotonic."""

    mark: str
    stop: Stop
    environment: Mapping[str, str] = field(repr=False)
    deadline: float
    on_line: Callable[[str], None] = lambda _line: None

    def run(
        self, command: Sequence[str], *, cwd: Path, quiet: bool = False, environment: Mapping[str, str] | None = None
    ) -> str:
        """Run, with more in the environment, and return the output.

        Raises CommandFailed, JobCannotRun after the deadline, JobStopped.
        """
        self.stop.check()
        try:
            started = subprocess.Popen(
                command,
                cwd=cwd,
                env={**self.environment, **(environment or {}), trees.MARK: self.mark},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except FileNotFoundError:
            raise JobCannotRun(f"there is no command {command[0]}: install it where the receiver runs") from None
        with started:
            output = self._read(started, quiet=quiet)
        if started.returncode != 0:
            raise CommandFailed(f"{command[0]} ended with status {started.returncode}", output)
        return output

    def _read(self, started: subprocess.Popen[bytes], *, quiet: bool) -> str:
        assert started.stdout is not None  # noqa: S101  it was asked for
        output, rest = "", b""
        with selectors.DefaultSelector() as selector:
            selector.register(started.stdout, selectors.EVENT_READ)
            while True:
                self._check(started)
                if not selector.select(_LOOK):
                    continue
                chunk = os.read(started.stdout.fileno(), _CHUNK)
                *lines, rest = (rest + chunk).split(b"\n") if chunk else [rest, b""]
                for line in lines:
                    text = line.decode(errors="replace").rstrip("\r")
                    output = f"{output}{text}\n"[-_KEPT:]
                    if text and not quiet:
                        self.on_line(text)
                if not chunk:
                    return output

    def _check(self, started: subprocess.Popen[bytes]) -> None:
        late = time.monotonic() > self.deadline
        if late or self.stop.reason is not None:
            trees.end_marked(self.mark)
            started.wait()
            self.stop.check()
            raise JobCannotRun("preparing the project took longer than its timeout and was ended")
