# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The warm fork servers of one receiver: how many there are, for which configuration, and when they are replaced."""

from __future__ import annotations

import tempfile
import time
from collections import OrderedDict
from pathlib import Path
from typing import Final

from playhook.logs import get_logger
from playhook.settings import Settings
from playhook.worker import frames
from playhook.worker.private_dir import remove_tree, runs_below
from playhook.worker.request import RunRequest
from playhook.worker.server_process import ServerProcess
from playhook.worker.warm_configuration import ColdStart, Configuration, read_configuration

_MOST: Final = 4  # servers; each is the memory of one idle ansible-playbook
_MOST_BYTES: Final = 400 * 1024 * 1024  # of one server
_MOST_JOBS: Final = 500
_OLDEST: Final = 3600.0  # seconds
_FORGIVEN: Final = 600.0  # seconds after which a configuration that did not work is tried again
_STARTING: Final = 60.0  # seconds
_log = get_logger(__name__)


def why_never(settings: Settings) -> str | None:
    """Return why no job of this receiver starts warm, None when jobs may."""
    if settings.warm_start == "off":
        return "PLAYHOOK_WARM_START is off"
    if str(settings.isolation) != "none":
        return f"jobs run isolated ({settings.isolation}), and each must import Ansible inside its own isolation"
    return None


class WarmServer:
    """A fork server that imports Ansible as one configuration wants it."""

    def __init__(self, configuration: Configuration, below: Path) -> None:
        below.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.stage = Path(tempfile.mkdtemp(prefix="warm-", dir=below))
        environment = configuration.prepare(self.stage)
        self.process = ServerProcess(
            configuration.python,
            [str(self.stage), configuration.script],
            environment,
            cwd=str(self.stage / "project"),
        )
        self._started = time.monotonic()
        self._ready = False
        self._jobs = 0
        self.refused: str | None = None

    def is_ready(self, timeout: float = 0.0) -> bool:
        """Tell whether it takes jobs; one that never will has `refused` set."""
        if not self._ready and self.refused is None:
            answer = self.process.answer(timeout)
            self._ready = answer == frames.READY.decode()
            if answer is None and time.monotonic() - self._started > _STARTING:
                answer = "it was not ready in a minute"
            if answer is not None and not self._ready:
                self.refused = answer or "it died while it imported Ansible"
                self.process.close()
        return self._ready

    def count_job(self) -> ServerProcess:
        self._jobs += 1
        return self.process

    def is_worn(self) -> bool:
        """Tell whether another one should take its place."""
        age = time.monotonic() - self._started
        if self.refused is not None:
            return age > _FORGIVEN
        return (
            self.process.exit_status is not None
            or age > _OLDEST
            or self._jobs >= _MOST_JOBS
            or _resident_bytes(self.process.pid) > _MOST_BYTES
        )


class WarmServers:
    """Finds the server for a job. Not for several threads at once."""

    def __init__(self, home: Path) -> None:
        self._below = runs_below(home)
        self._servers: OrderedDict[str, WarmServer] = OrderedDict()
        self._retired: list[WarmServer] = []
        self._said: set[str] = set()

    def find(self, request: RunRequest) -> ServerProcess | None:
        """Return a server that is ready for this job; None for a cold start, after which one may be ready."""
        server = self._server_for(request)
        return server.count_job() if server is not None and server.is_ready() else None

    def wait_for(self, request: RunRequest, timeout: float = _STARTING) -> str | None:
        """Have a server ready for jobs like this one; returns why that cannot be, None when it is."""
        try:
            configuration = read_configuration(request)
        except ColdStart as reason:
            return str(reason)
        server = self._get(configuration)
        return None if server.is_ready(timeout) else server.refused or "it was not ready in time"

    def close(self, timeout: float) -> None:
        """Have all jobs ended and all servers leave."""
        servers = [*self._servers.values(), *self._retired]
        for server in servers:
            server.process.close()
        for server in servers:
            server.process.wait(timeout)
            remove_tree(server.stage)
        self._servers.clear()
        self._retired.clear()

    def _server_for(self, request: RunRequest) -> WarmServer | None:
        self._bury()
        try:
            server = self._get(read_configuration(request))
        except (ColdStart, OSError) as reason:
            self._say(str(reason))
            return None
        if not server.is_ready() and server.refused is not None:
            self._say(server.refused)
        return server

    def _get(self, configuration: Configuration) -> WarmServer:
        server = self._servers.pop(configuration.key, None)
        if server is not None and server.is_worn():
            self._retire(server)
            server = None
        if server is None:
            while len(self._servers) >= _MOST:
                self._retire(self._servers.popitem(last=False)[1])
            server = WarmServer(configuration, self._below)
        self._servers[configuration.key] = server
        return server

    def _retire(self, server: WarmServer) -> None:
        server.process.retire()
        self._retired.append(server)

    def _bury(self) -> None:
        """Let go of retired servers whose last job has ended."""
        for server in [each for each in self._retired if each.process.exit_status is not None]:
            server.process.close()
            remove_tree(server.stage)
            self._retired.remove(server)

    def _say(self, reason: str) -> None:
        if reason not in self._said and len(self._said) < 100:  # once each, not with every job
            self._said.add(reason)
            _log.warning("jobs start cold", reason=reason)


def _resident_bytes(pid: int) -> int:
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0
