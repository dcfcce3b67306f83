# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cold and warm starts for tests: one launcher with warm fork servers, that all tests of a session share."""

from __future__ import annotations

import subprocess
import threading
from pathlib import Path

import orjson

from playhook.worker.environment import job_environment
from playhook.worker.launcher import LaunchedRun, Launcher
from playhook.worker.request import RunRequest
from playhook.worker.server_process import ServerProcess
from playhook.worker.warm_servers import WarmServers


class SharedLauncher(Launcher):
    """A launcher that waits until its jobs can start warm, and that a pool does not close.

    `refusals` holds, for each job, why it started cold, None for those that started warm.
    """

    def __init__(self, home: Path) -> None:
        self.servers = WarmServers(home)
        super().__init__(self.servers)
        self._launching = threading.Lock()  # `WarmServers` is not for several threads at once, and a pool has them
        self.refusals: list[str | None] = []

    def launch(self, request: RunRequest) -> LaunchedRun:
        with self._launching:
            refused = self.servers.wait_for(request)
            run = super().launch(request)
            self.refusals.append(refused if run.warm else refused or "no server was ready")
            return run

    def close(self, timeout: float = 30.0) -> None:
        """Stay: other tests use it."""

    def leave(self) -> None:
        super().close()

    def processes(self) -> list[ServerProcess]:
        """Return the warm fork servers that take jobs."""
        return [each.process for each in self.servers._servers.values() if each.is_ready()]


def run_warm(
    launcher: SharedLauncher, private: Path, options: list[str], *, mark: str = "tests:1"
) -> subprocess.CompletedProcess[str]:
    """Run `site.yml` of `private`/project on localhost; `private` is a directory of the caller's own."""
    (private / "tmp").mkdir()
    request = RunRequest(
        mark=mark,
        private_dir=str(private),
        project_dir=str(private / "project"),
        playbook="site.yml",
        inventory=["localhost,"],
        options=options,
        environment=job_environment(private, private / "project"),
    )
    run = launcher.launch(request)
    documents = []
    while (messages := run.messages(60.0)) is not None:
        documents += [orjson.loads(each) for each in messages]
    run.close()
    assert launcher.refusals[-1] is None
    stdout = "\n".join(each["event"]["stdout"] for each in documents if "event" in each)
    status = next(each["outcome"]["rc"] for each in documents if "outcome" in each)
    return subprocess.CompletedProcess(["ansible-playbook"], status, stdout, "")
