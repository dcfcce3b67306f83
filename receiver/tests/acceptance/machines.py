# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several machines on this one: processes of `playhook` with state directories of their own and one PostgreSQL."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import select
from tests.acceptance.conftest import Installation
from tests.live import start_playhook

from playhook.store import tables as t
from playhook.store.engine import make_engine

LEASE = 5.0  # seconds, in which a busy machine must let each process run


class WorkerMachine:
    """One `playhook worker`."""

    def __init__(self, home: Path, env: Mapping[str, str]) -> None:
        self.home, self._env = home, env
        self.log_file = home.parent / f"{home.name}.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *options: str) -> None:
        """Start it and wait until it takes jobs."""
        seen = self.log().count("worker registered")
        self.process = start_playhook(self.home, self.log_file, "worker", *options, env=self._env)
        wait_for(lambda: self.log().count("worker registered") > seen or self.process.poll() is not None, self.log)
        assert self.process.poll() is None, self.log()

    def signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def stop(self) -> int:
        """End it as systemd would; returns the exit status."""
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
        return self.process.wait(60)

    def log(self) -> str:
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""


class Machines:
    """One installation: web machines that run no jobs, and workers that run nothing else."""

    def __init__(self, root: Path, database_url: str) -> None:
        self.root, self.database_url = root, database_url
        self.marks = root / "marks"
        self.marks.mkdir(parents=True)
        self.env = {
            "PLAYHOOK_DATABASE_URL": database_url,
            "PLAYHOOK_SECRET_KEY_FILE": str(root / "secret_key"),
            "PLAYHOOK_PROJECTS_ROOT": str(root / "projects"),
            "PLAYHOOK_BASE_URL": "https://playhook.example.com",
            "PLAYHOOK_WORKER_LEASE": str(LEASE),
            "PLAYHOOK_WARM_START": "off",
            "PLAYHOOK_SHUTDOWN_GRACE": "1",
            "PLAYHOOK_WORKERS": "2",
        }
        self.webs: list[Web] = []
        self.workers: list[WorkerMachine] = []

    def add_web(self) -> Web:
        web = Web(self.root / f"web{len(self.webs)}", env=self.env, options=("--no-worker",))
        self.webs.append(web)
        web.start()
        if len(self.webs) == 1:
            web.prepare()
        else:
            web.join(self.webs[0])
        return web

    def add_worker(self, *options: str) -> WorkerMachine:
        worker = WorkerMachine(self.root / f"worker{len(self.workers)}", self.env)
        self.workers.append(worker)
        worker.start(*options)
        return worker

    def run(self, *arguments: str, env: Mapping[str, str] | None = None) -> tuple[int, str]:
        """Run the command on a machine of its own; returns its exit status and what it printed."""
        log_file = self.root / "command.log"
        log_file.unlink(missing_ok=True)
        process = start_playhook(self.root / "command", log_file, *arguments, env={**self.env, **(env or {})})
        return process.wait(60), " ".join(log_file.read_text().split())

    def claimed_by(self, job_id: int) -> str:
        """Return the name of the worker that has or had a job."""
        jobs = t.unified_jobs
        engine = make_engine(self.database_url, writes=False)
        try:
            with engine.connect() as connection:
                return str(connection.execute(select(jobs.c.claimed_by).where(jobs.c.id == job_id)).scalar_one())
        finally:
            engine.dispose()

    def stop(self) -> None:
        for machine in (*self.workers, *self.webs):
            machine.stop()


class Web(Installation):
    """One `playhook serve --no-worker`."""

    @property
    def projects(self) -> Path:
        return self.home.parent / "projects"

    def join(self, first: Installation) -> None:
        """Know what the first one has made."""
        self.project_dir, self.organization = first.project_dir, first.organization
        self.project, self.inventory = first.project, first.inventory


def wait_for(condition: Callable[[], Any], describe: Callable[[], object] = lambda: "", timeout: float = 60.0) -> Any:
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.05)
    raise AssertionError(f"waited {timeout:.0f} s in vain: {describe()}")
