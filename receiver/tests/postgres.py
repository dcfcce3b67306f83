# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A PostgreSQL server of the tests' own, on a Unix socket, with a database for each test."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import uuid
from pathlib import Path

import psycopg

from playhook.dispatch.engine_schema import migrate_engine
from playhook.store.migrate import migrate

_MIGRATED = "migrated"
_ROOM = 2 << 30  # bytes


class PostgresServer:
    """One server in a directory of its own.

    Without fsync, unless it is to be `durable`: what a power cut does is not what tests are about.
    """

    def __init__(self, *, durable: bool = False) -> None:
        # A short name, for the socket's sake; the server refuses to run as root.
        self.directory = Path(tempfile.mkdtemp(prefix="playhook-pg-", dir="/tmp" if durable else _find_room()))
        self._fsync = "on" if durable else "off"
        if os.geteuid() == 0:
            shutil.chown(self.directory, "postgres", "postgres")
        self._run("initdb", "-D", "data", "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C")
        self._templates: set[str] = set()
        self.start()

    def start(self) -> None:
        options = f"-c listen_addresses='' -k {self.directory} -c fsync={self._fsync} -c max_connections=300"
        self._run("pg_ctl", "-D", "data", "-w", "-s", "-l", "log", "-o", options, "start")

    def stop(self, mode: str = "immediate") -> None:
        self._run("pg_ctl", "-D", "data", "-w", "-s", "-m", mode, "stop")

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.directory)

    def url(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={self.directory}"

    def make_empty(self) -> str:
        """Make a database without tables; returns its URL."""
        return self._make("template1")

    def make_migrated(self) -> str:
        """Make a database with this version's schema, a copy of one that was migrated; returns its URL."""
        if _MIGRATED not in self._templates:
            self._sql(f"CREATE DATABASE {_MIGRATED}")
            migrate(self.url(_MIGRATED))
            migrate_engine(self.url(_MIGRATED))
            self._templates.add(_MIGRATED)
        return self._make(_MIGRATED)

    def drop(self, url: str) -> None:
        """Remove a database that `make_…` made, whoever is still connected."""
        self._sql(f"DROP DATABASE {_name(url)} WITH (FORCE)")

    def _make(self, template: str) -> str:
        name = f"t{uuid.uuid4().hex}"
        self._sql(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        return self.url(name)

    def copy(self, url: str) -> str:
        """Copy a database that nobody is connected to; returns the copy's URL."""
        return self._make(_name(url))

    def _sql(self, statement: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[arg-type]

    def _run(self, program: str, *arguments: str) -> None:
        as_postgres = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        command = [*(as_postgres if os.geteuid() == 0 else []), find_program(program), *arguments]
        # To a file, not to pipes: the server would keep them open.
        done = subprocess.run(command, cwd=self.directory, stdout=subprocess.DEVNULL, check=False)
        if done.returncode != 0:
            log = self.directory / "log"
            raise RuntimeError(f"{program} failed: {log.read_text() if log.exists() else 'see its messages'}")


def _name(url: str) -> str:
    return url.partition("@/")[2].partition("?")[0]


def _find_room() -> Path:
    # In memory a database is copied in a fifth of the time; in a container that memory may be small.
    memory = Path("/dev/shm")
    return memory if memory.is_dir() and shutil.disk_usage(memory).free > _ROOM else Path("/tmp")


def find_program(program: str) -> str:
    """Find one of PostgreSQL's programs, which Debian keeps out of PATH."""
    found = shutil.which(program) or max(map(str, Path("/usr/lib/postgresql").glob(f"*/bin/{program}")), default="")
    if not found:
        raise RuntimeError(f"there is no {program}: install Debian's package postgresql")
    return found
