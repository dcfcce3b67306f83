# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A worker pool that runs real playbooks, and the rows that its jobs need."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import insert, select
from tests.integration.worker.starts import SharedLauncher

from playhook.dispatch.embedded import EmbeddedDispatch
from playhook.domain.job import FINISHED
from playhook.settings import Settings
from playhook.store import tables as t
from playhook.store.compression import compress
from playhook.store.jobs import create_job
from playhook.store.store import Store
from playhook.store.tx import Tx
from playhook.worker.launcher import start_launcher
from playhook.worker.loop import WorkerPool

both_starts = pytest.mark.parametrize("pool", ["cold", "warm"], indirect=True)
LOCAL = "ansible_connection: local\nansible_python_interpreter: '{{ ansible_playbook_python }}'\n"


@dataclass
class Bench:
    """Writes rows and files, starts jobs and waits for them."""

    store: Store
    settings: Settings
    dispatch: EmbeddedDispatch

    def insert(self, table: Any, **values: Any) -> int:
        return self.store.write(_insert, table, values)

    def update(self, table: Any, row_id: int, **values: Any) -> None:
        self.store.write(lambda tx: tx.connection.execute(table.update().where(table.c.id == row_id).values(**values)))

    def manual_project(self, files: Mapping[str, str], name: str = "plays") -> int:
        write_files(self.settings.manual_projects / name, files)
        return self.insert(t.unified_job_templates, type="project", name=name, local_path=name)

    def inventory(self, hosts: Mapping[str, str] | None = None, **values: Any) -> int:
        inventory_id = self.insert(t.inventories, name="machines", **values)
        for host, variables in ({"here": LOCAL} if hosts is None else hosts).items():
            self.insert(t.hosts, name=host, inventory_id=inventory_id, variables=variables)
        return inventory_id

    def template(self, files: Mapping[str, str], **values: Any) -> int:
        """Add a job template for `site.yml` of a manual project that holds `files`, on one local host."""
        columns = {
            "project_id": values.pop("project_id", None) or self.manual_project(files),
            "inventory_id": values.pop("inventory_id", None) or self.inventory(),
            "name": "deploy",
            "playbook": "site.yml",
        }
        return self.insert(t.unified_job_templates, type="job_template", **{**columns, **values})

    def launch(self, template_id: int, **overrides: Any) -> int:
        return self.store.write(_launch, template_id, overrides)

    def row(self, table: Any, row_id: int) -> Any:
        with self.store.reading() as connection:
            return connection.execute(select(table).where(table.c.id == row_id)).one()

    def job(self, job_id: int) -> Any:
        return self.row(t.unified_jobs, job_id)

    def wait(self, job_id: int, *statuses: str, timeout: float = 90.0) -> Any:
        """Wait until the job has ended, or has one of `statuses`."""
        return wait_for(
            lambda: (row := self.job(job_id)).status in (statuses or FINISHED) and row,
            timeout,
            lambda: f"job {job_id} is {self.job(job_id).status}:\n{self.stdout(job_id)}",
        )

    def run(self, template_id: int, **overrides: Any) -> Any:
        """Launch, wait for the end and return the job's row."""
        return self.wait(self.launch(template_id, **overrides))

    def events(self, job_id: int) -> list[Any]:
        with self.store.reading() as connection:
            events = t.job_events
            return list(connection.execute(select(events).where(events.c.job_id == job_id).order_by(events.c.counter)))

    def stdout(self, job_id: int) -> str:
        return "\n".join(event.stdout for event in self.events(job_id))


def write_files(directory: Path, files: Mapping[str, str]) -> None:
    for name, content in files.items():
        file = directory / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)


def wait_for(condition: Callable[[], Any], timeout: float, describe: Callable[[], str] = lambda: "in vain") -> Any:
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.05)
    raise AssertionError(f"waited {timeout} s: {describe()}")


def play(*tasks: str, hosts: str = "all") -> str:
    """Return a playbook of one play without facts; each task is one YAML line."""
    return f"- hosts: {hosts}\n  gather_facts: false\n  tasks:\n" + "".join(f"    - {task}\n" for task in tasks)


def gate(go: Path) -> str:
    """Return a task that makes `go`.reached and then waits until somebody makes `go`."""
    return f"shell: touch {go}.reached; until [ -e {go} ]; do sleep 0.05; done"


def wait_for_gate(go: Path) -> None:
    wait_for(go.with_name(f"{go.name}.reached").exists, 60.0, lambda: f"no job reached {go}")


@pytest.fixture
def bench(store: Store, settings: Settings) -> Bench:
    dispatch = EmbeddedDispatch()
    store.on_defer(lambda tx, task, key: tx.after_commit(lambda: dispatch.defer(task, key)))
    return Bench(store=store, settings=settings, dispatch=dispatch)


@pytest.fixture(scope="session")
def warm_launcher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SharedLauncher]:
    launcher = SharedLauncher(tmp_path_factory.mktemp("warm"))
    yield launcher
    launcher.leave()


@pytest.fixture
def warm(request: pytest.FixtureRequest, bench: Bench, warm_launcher: SharedLauncher) -> Iterator[SharedLauncher]:
    """A pool whose jobs start warm, where they can."""
    pool = WorkerPool(bench.store, warm_launcher, bench.settings, bench.dispatch)
    pool.start()
    warm_launcher.refusals.clear()
    yield warm_launcher
    pool.stop()


@pytest.fixture
def run_cold(bench: Bench, warm: SharedLauncher, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], Any]:
    """Run a job of a template in the same pool, but cold."""

    def run(template: int) -> Any:
        with monkeypatch.context() as patched:
            patched.setattr(warm, "_fork_warm", lambda request, connection: False)
            return bench.run(template)

    return run


@pytest.fixture
def pool(request: pytest.FixtureRequest, bench: Bench, settings: Settings) -> Iterator[WorkerPool]:
    """A started pool. Its jobs start cold, or as the test's mark `both_starts` says."""
    warm = getattr(request, "param", "cold") == "warm"
    launcher = request.getfixturevalue("warm_launcher") if warm else start_launcher(settings)
    worker_pool = WorkerPool(bench.store, launcher, settings, bench.dispatch)
    worker_pool.start()
    yield worker_pool
    worker_pool.stop()


@pytest.fixture
def settings(tmp_path: Path, database_url: SecretStr | None) -> Settings:
    return Settings(
        home=tmp_path / "home",
        shutdown_grace=0.5,
        base_url="https://playhook.example.com",
        database_url=database_url,
        warm_start="off",
    )


def _insert(tx: Tx, table: Any, values: Mapping[str, Any]) -> int:
    written = {"created": tx.now, "modified": tx.now, **values}
    statement = insert(table).values(**{name: value for name, value in written.items() if name in table.c})
    return int(tx.connection.execute(statement.returning(table.c.id)).scalar_one())


def _launch(tx: Tx, template_id: int, overrides: Mapping[str, Any]) -> int:
    templates = t.unified_job_templates
    row = tx.connection.execute(select(templates).where(templates.c.id == template_id)).mappings().one()
    return create_job(tx, row, launch_type="manual", overrides=overrides)


def add_delivery(bench: Bench, payload: Mapping[str, Any], **event: Any) -> int:
    """Store a delivery as intake does."""
    return bench.insert(
        t.webhook_deliveries,
        service="github",
        guid="11111111-2222-3333-4444-555555555555",
        event_type="pull_request",
        outcome="launched",
        response_status=202,
        received=datetime.now(UTC),
        event={"type": "pull_request", "guid": "11111111-2222-3333-4444-555555555555", **event},
        body=compress(json.dumps(payload).encode()),
    )
