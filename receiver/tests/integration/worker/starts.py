# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cold and warm starts for tests: one launcher with warm fork servers, that all tests of a session share."""

from __future__ import annotations

from pathlib import Path

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
        self.refusals: list[str | None] = []

    def launch(self, request: RunRequest) -> LaunchedRun:
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
        return [each.process for each in self.servers._servers.values()]
