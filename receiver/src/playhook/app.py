# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Put the pieces together: what `playhook serve` runs, and the ASGI application on its own for tests."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp

from playhook.dispatch.base import Dispatch
from playhook.dispatch.distributed import DistributedDispatch
from playhook.dispatch.embedded import EmbeddedDispatch
from playhook.dispatch.engine_schema import check_engine, migrate_engine
from playhook.domain.variables import parse_variables
from playhook.errors import PlayhookError, SettingsError
from playhook.intake.explain import explain_delivery
from playhook.intake.receive import Intake, check_networks
from playhook.intake.send import Sent, find_address, send_sample
from playhook.intake.show import verdict_lines
from playhook.logs import get_logger
from playhook.outbound.client import OutboundClient
from playhook.report.reporter import Reporter
from playhook.services.base import Published, Service
from playhook.services.registry import load_services
from playhook.settings import Settings
from playhook.store.encryption import load_cipher
from playhook.store.engine import is_sqlite
from playhook.store.migrate import check_schema, is_installed, migrate
from playhook.store.preload import preload
from playhook.store.retention import purge
from playhook.store.store import Store, open_store
from playhook.store.workers import queues_text
from playhook.web.api_v2 import ApiContext, api_routes
from playhook.web.errors import exception_handlers
from playhook.web.grouped_routes import GroupedRoutes
from playhook.web.hooks import HookEndpoints
from playhook.worker.launcher import Launcher
from playhook.worker.loop import TASK as RUN_JOB
from playhook.worker.loop import WorkerPool
from playhook.worker.warm_check import try_warm_start

_log = get_logger(__name__)
_PURGE_PERIOD = 3600.0  # seconds
# Seconds a connection may be idle: as long as nginx's, behind which AWX is. A client that asks every 5 s (`awx ...
# --monitor`), and a proxy that keeps connections, would otherwise send into one that is just being closed.
_KEEP_ALIVE = 75


@dataclass(frozen=True, kw_only=True)
class Receiver:
    """One running installation."""

    settings: Settings
    store: Store
    services: Mapping[str, Service]
    dispatch: Dispatch
    reporter: Reporter
    pool: WorkerPool | None

    @property
    def does_chores(self) -> bool:
        """Say whether it posts statuses and purges; where workers do, a web process is spared."""
        return self.pool is not None or self.settings.uses_sqlite


def prepare_home(settings: Settings) -> None:
    """Make the state directory (0700). Raises SettingsError."""
    os.umask(0o077)
    try:
        for directory in (settings.home, settings.manual_projects):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = settings.home / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise SettingsError(
            f"the state directory {settings.home} cannot be used ({error.strerror}): set PLAYHOOK_HOME to one that "
            "this user may write"
        ) from None


def check_secret_key(settings: Settings) -> None:
    """Raise SettingsError when the key file cannot be used, or is gone while the database needs it."""
    if settings.secret_key.exists():
        load_cipher(settings.secret_key)
    elif (not is_sqlite(settings.database) or settings.sqlite_file.exists()) and is_installed(settings.database):
        raise SettingsError(
            f"the secret key file {settings.secret_key} is missing, and what is encrypted in the database cannot be "
            "read without it: restore it from the backup, or copy it from a machine that shares this database and set "
            "PLAYHOOK_SECRET_KEY_FILE"
        )


def check_installed(settings: Settings) -> None:
    """Raise SettingsError unless a receiver has been started with this database, whose secret key this one shares."""
    check_schema(settings.database)
    if not is_installed(settings.database):
        raise SettingsError("no receiver has been started with this database yet: start `playhook serve` first")


def check_options(settings: Settings) -> None:
    """Raise SettingsError for what can be known to be wrong before anything is opened."""
    check_tls(settings)
    check_networks(settings.networks)


def check_tls(settings: Settings) -> None:
    """Raise SettingsError when the certificate or its key cannot be used."""
    if settings.ssl_certfile is None and settings.ssl_keyfile is None:
        return
    if settings.ssl_certfile is None:
        raise SettingsError("PLAYHOOK_SSL_KEYFILE is set without PLAYHOOK_SSL_CERTFILE: set both")
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(settings.ssl_certfile, settings.ssl_keyfile)
    except OSError as error:  # ssl.SSLError is one
        raise SettingsError(
            f"PLAYHOOK_SSL_CERTFILE {settings.ssl_certfile} and its key cannot be used ({error.strerror or error}): "
            "both must be PEM files that belong together, and readable by this user"
        ) from None


def open_database(settings: Settings, *, may_migrate: bool = False) -> tuple[Store, Path | None]:
    """Migrate the schema (SQLite, or when asked) or check it, open the store and write what must be there.

    Returns the store, and the file that holds a password generated at the first start.
    """
    prepare_home(settings)
    check_secret_key(settings)
    if may_migrate or is_sqlite(settings.database):
        migrate_all(settings)
    check_schema(settings.database)
    check_engine(settings.database)
    store = open_store(settings)
    try:
        return store, store.write(preload, settings)
    except BaseException:
        store.close()
        raise


def migrate_all(settings: Settings) -> None:
    """Bring the database to this version's schema, and to that of the dispatch engine. Raises SettingsError."""
    migrate(settings.database)
    migrate_engine(settings.database)


def make_receiver(settings: Settings, store: Store, launcher: Launcher | None) -> Receiver:
    """Wire one installation; nothing runs yet. Without a launcher it accepts jobs and runs none."""
    services = load_services()
    dispatch = _make_dispatch(settings)
    reporter = Reporter(store, services, dispatch, settings.public_url)
    pool = WorkerPool(store, launcher, settings, dispatch) if launcher is not None else None
    store.on_defer(lambda tx, task, key: tx.after_commit(lambda: dispatch.defer(task, key)))
    return Receiver(settings=settings, store=store, services=services, dispatch=dispatch, reporter=reporter, pool=pool)


def _make_dispatch(settings: Settings) -> Dispatch:
    if settings.uses_sqlite:
        return EmbeddedDispatch()
    return DistributedDispatch(settings.database, queues=queues_text(settings.queue_names), placed=[RUN_JOB])


def make_app(receiver: Receiver) -> ASGIApp:
    """Build the ASGI application."""
    settings = receiver.settings
    intake = Intake(receiver.store, receiver.services, networks=settings.networks)
    hooks = HookEndpoints(intake, max_body=settings.max_body, refusals_per_minute=settings.refusals_per_minute)
    api = ApiContext(store=receiver.store, settings=settings, services=receiver.services)
    first, last = hooks.routes(receiver.services)
    web = Starlette(routes=[*first, GroupedRoutes(api_routes(api)), *last], exception_handlers=exception_handlers())
    return hooks.in_front_of(web, receiver.services)


def run_receiver(receiver: Receiver, listening: socket.socket) -> None:
    """Serve until SIGTERM or SIGINT, then drain: what is accepted stays stored, running jobs get their grace."""
    settings = receiver.settings
    config = uvicorn.Config(
        make_app(receiver),
        log_config=None,
        access_log=False,
        server_header=False,
        ssl_certfile=settings.ssl_certfile,
        ssl_keyfile=settings.ssl_keyfile,
        proxy_headers=bool(settings.forwarded_allow_ips),
        forwarded_allow_ips=settings.forwarded_allow_ips,
        timeout_keep_alive=_KEEP_ALIVE,
        timeout_graceful_shutdown=10,
        lifespan="off",
    )
    _tune_interpreter()
    for number in (signal.SIGTERM, signal.SIGINT):
        # uvicorn raises the signal again once it has stopped serving; the draining below must not be ended by it.
        signal.signal(number, lambda _number, _frame: None)
    with _at_work(receiver):
        uvicorn.Server(config).run(sockets=[listening])


def run_worker(receiver: Receiver) -> None:
    """Run jobs and post statuses until SIGTERM or SIGINT, then drain."""
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: ended.set())
    with _at_work(receiver):
        ended.wait()


@contextmanager
def _at_work(receiver: Receiver) -> Iterator[None]:
    """Have what is behind the web run meanwhile."""
    dispatch, settings = receiver.dispatch, receiver.settings
    if receiver.does_chores:
        receiver.reporter.start()
        dispatch.register("purge", lambda _key: purge(receiver.store, settings), every=_PURGE_PERIOD)
    if receiver.pool is not None:
        receiver.pool.start()
    try:
        yield
    finally:
        if receiver.pool is not None:
            receiver.pool.stop()
        dispatch.stop("purge")
        receiver.reporter.stop()
        dispatch.close()
        receiver.store.close()
        _log.info("stopped")


def send_and_explain(
    settings: Settings, template_id: int | None, endpoint: str, event_type: str, payload: bytes | None
) -> tuple[Sent, list[tuple[str, str]]]:
    """Send a signed sample to the running receiver; returns what came of it, and the verdicts as lines."""
    with opened(settings) as store:
        address = find_address(store, template_id=template_id, endpoint=endpoint)
        sent = send_sample(store, load_services(), address, settings.public_url, event_type=event_type, payload=payload)
        with store.reading() as connection:
            explained = [explain_delivery(connection, delivery_id) for delivery_id in sent.deliveries]
    return sent, [line for each in explained for line in verdict_lines(each)]


def explain_with(settings: Settings, delivery_id: int, rules: str | None) -> list[tuple[str, str]]:
    """Explain a delivery, with other rules (YAML or JSON) when they are given; returns lines."""
    try:
        changed = None if rules is None else parse_variables(rules)
    except ValueError as error:
        raise SettingsError(f"the rules cannot be read: {error}") from None
    with opened(settings) as store, store.reading() as connection:
        return list(verdict_lines(explain_delivery(connection, delivery_id, changed)))


def fetch_networks(service: str, api_url: str | None) -> list[str]:
    """Ask a service for the addresses that its deliveries come from. Raises SettingsError, Malformed, NoAnswer."""
    plugin = load_services().get(service)
    if not isinstance(plugin, Published):
        raise SettingsError(f"the service {service!r} does not publish its addresses")
    client = OutboundClient()
    try:
        answer = client.send(plugin.networks_request(api_url))
        networks = plugin.read_networks(orjson.loads(answer.text))
    except orjson.JSONDecodeError:
        raise SettingsError(f"the answer of {service} is not JSON: check --api-url") from None
    finally:
        client.close()
    check_networks(networks)
    return networks


@contextmanager
def opened(settings: Settings) -> Iterator[Store]:
    """Open the database of a receiver that has been started before. Raises SettingsError."""
    if is_sqlite(settings.database) and not settings.sqlite_file.exists():
        raise SettingsError(
            f"there is no receiver in {settings.home}: start playhook serve first, or set PLAYHOOK_HOME"
        )
    store, _password_file = open_database(settings)
    try:
        yield store
    finally:
        store.close()


def _tune_interpreter() -> None:
    # The event loop and the writer take turns with the interpreter's lock; at the default of 5 ms each waits for the
    # other longer than its own work takes (measured at 16 connections: a tenth more deliveries a second with 1 ms).
    sys.setswitchinterval(0.001)
    # What was loaded until now stays: left in the collector's generations, it would be walked each time that a few
    # parsed payloads have filled the youngest (measured: 0.31 ms of a delivery's work become 0.18 ms).
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)


def run_checks(settings: Settings) -> Iterator[tuple[str, str | None]]:
    """Try each thing that a receiver needs; yields its name and what is wrong with it, None when it is right."""
    checks: dict[str, Callable[[], object]] = {
        "settings": lambda: settings,
        "state directory": lambda: prepare_home(settings),
        "secret key": lambda: check_secret_key(settings),
        "TLS": lambda: check_tls(settings),
        "networks": lambda: check_networks(settings.networks),
        "database": lambda: _check_database(settings),
        "services": load_services,
        "ansible-playbook": lambda: _check_command("ansible-playbook", "pip install ansible-core"),
        "isolation": lambda: None,  # none is all there is: nothing to try
        "git": lambda: _check_command("git", "install git: projects are cloned with it"),
        "ssh": lambda: _check_command("ssh", "install openssh-client: machine credentials need it"),
    }
    for name, check in checks.items():
        try:
            check()
        except (PlayhookError, OSError) as error:
            yield name, str(error)
        else:
            yield name, None
    yield f"warm start: {try_warm_start(settings)}", None


def _check_database(settings: Settings) -> None:
    if is_sqlite(settings.database):
        migrate(settings.database)
    check_schema(settings.database)
    check_engine(settings.database)


def _check_command(command: str, remedy: str) -> None:
    # Beside this Python first: a virtual environment's commands need not be on PATH.
    if shutil.which(command, path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}") is None:
        raise SettingsError(f"there is no command {command}: {remedy}")
