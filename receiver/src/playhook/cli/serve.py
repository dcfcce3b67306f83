# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`playhook serve` and `playhook worker`: the processes that stay."""

from __future__ import annotations

import fcntl
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from playhook import __version__
from playhook.cli.console import err, tell_password
from playhook.cli.options import with_settings
from playhook.errors import SettingsError
from playhook.settings import Settings


@with_settings
def serve(
    settings: Settings,
    no_worker: Annotated[bool, typer.Option("--no-worker", help="Accept deliveries and run no jobs.")] = False,
    may_migrate: Annotated[
        bool, typer.Option("--migrate", help="Bring a PostgreSQL database to this version's schema first.")
    ] = False,
) -> None:
    """Receive deliveries, run jobs and post statuses, all in one process tree.

    The first start makes the state directory, the database, the secret key and an administrator. With PostgreSQL any
    number of machines may do this, or a part of it: with --no-worker only receive, with `playhook worker` only run.
    """
    from playhook.logs import configure_logs  # noqa: PLC0415  the launcher must be forked from a small process
    from playhook.worker.launcher import start_launcher  # noqa: PLC0415

    configure_logs(settings.log_level, settings.log_format)
    with _listen(settings) as listening:
        settings = settings.model_copy(update={"port": listening.getsockname()[1]})
        runs_jobs = not no_worker and settings.workers > 0
        launcher = start_launcher(settings) if runs_jobs else None  # before any thread exists
        from playhook.app import (  # noqa: PLC0415
            check_options,
            make_receiver,
            open_database,
            prepare_home,
            run_receiver,
        )

        check_options(settings)
        prepare_home(settings)
        with _alone_in(settings.home):
            store, password_file = open_database(settings, may_migrate=may_migrate)
            _greet(settings, password_file)
            run_receiver(make_receiver(settings, store, launcher), listening)


@with_settings
def worker(settings: Settings) -> None:
    """Run jobs and post statuses for receivers on this or other machines, with which it shares a PostgreSQL database.

    It needs the secret key of the installation, and a state directory of its own.
    """
    from playhook.logs import configure_logs  # noqa: PLC0415  the launcher must be forked from a small process
    from playhook.worker.launcher import start_launcher  # noqa: PLC0415

    configure_logs(settings.log_level, settings.log_format)
    _refuse_idle_worker(settings)
    launcher = start_launcher(settings)  # before any thread exists
    from playhook.app import check_installed, make_receiver, open_database, prepare_home, run_worker  # noqa: PLC0415

    prepare_home(settings)
    check_installed(settings)
    with _alone_in(settings.home):
        store, _password_file = open_database(settings)
        receiver = make_receiver(settings, store, launcher)
        served = f"of {', '.join(settings.queue_names)}" if settings.queue_names else "of all instance groups"
        err.print(
            f"[bold]Playhook {__version__}[/] runs up to {settings.workers} jobs {escape(served)}", soft_wrap=True
        )
        run_worker(receiver)


def _refuse_idle_worker(settings: Settings) -> None:
    if settings.uses_sqlite:
        raise SettingsError(
            "a worker of its own needs a database that it can share: set PLAYHOOK_DATABASE_URL to a PostgreSQL one "
            "(with SQLite, `playhook serve` runs the jobs)"
        )
    if settings.workers == 0:
        raise SettingsError("PLAYHOOK_WORKERS is 0: this worker would run nothing")


@contextmanager
def _listen(settings: Settings) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        listening = socket.create_server((settings.host, settings.port), family=family, backlog=2048)
    except OSError as error:
        raise SettingsError(
            f"cannot listen on {settings.host} port {settings.port} ({error.strerror}): stop what uses it, or set "
            "PLAYHOOK_HOST and PLAYHOOK_PORT"
        ) from None
    with listening:
        yield listening


@contextmanager
def _alone_in(home: Path) -> Iterator[None]:
    # Two receivers on one state directory would end each other's jobs as left over.
    with (home / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SettingsError(f"another playhook is running with the state directory {home}") from None
        yield


def _greet(settings: Settings, password_file: Path | None) -> None:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    scheme = "https" if settings.ssl_certfile else "http"
    bound = f"{scheme}://{host}:{settings.port}"
    known_as = f", known as [cyan]{settings.public_url}[/]" if settings.public_url != bound else ""
    err.print(f"[bold]Playhook {__version__}[/] listens on [cyan]{escape(bound)}[/]{known_as}", soft_wrap=True)
    tell_password(settings, password_file)
