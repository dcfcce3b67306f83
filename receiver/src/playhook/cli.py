# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command `playhook`. Options come from the settings' own table, so that `--help` and the environment agree."""

from __future__ import annotations

import fcntl
import inspect
import socket
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from playhook import __version__
from playhook.errors import PlayhookError, SettingsError
from playhook.settings import Settings, load_settings, unknown_settings

_program = typer.Typer(
    name="playhook",
    help="Receive webhooks and run Ansible playbooks: AWX webhooks without AWX.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
_token = typer.Typer(name="token", help="Tokens for the API.", no_args_is_help=True)
_program.add_typer(_token)
_out, _err = Console(highlight=False), Console(stderr=True, highlight=False)
_SECRET_SETTINGS = {"admin_password", "database_url"}  # never an argument: others can read those


_PANEL = "Settings (each also as PLAYHOOK_… in the environment)"
_CONFIG = inspect.Parameter(
    "config",
    inspect.Parameter.KEYWORD_ONLY,
    default=None,
    annotation=Annotated[
        Path | None,
        typer.Option(
            "--config", help="File of PLAYHOOK_NAME=value lines; the environment wins.", rich_help_panel=_PANEL
        ),
    ],
)


def _with_settings(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command one option for each setting; its `settings` parameter gets what they say together."""

    def command(**given: Any) -> None:
        own = {name: given.pop(name) for name in list(given) if name not in Settings.model_fields}
        config = own.pop("config")
        settings = load_settings(config, **given)
        for sentence in unknown_settings(config):
            typer.echo(f"playhook: {sentence}", err=True)
        function(settings=settings, **own)

    signature = inspect.signature(function, eval_str=True)
    own = [parameter for name, parameter in signature.parameters.items() if name != "settings"]
    parameters = [*own, _CONFIG, *(_option(name) for name in Settings.model_fields if name not in _SECRET_SETTINGS)]
    command.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {each.name: each.annotation for each in parameters}
    command.__doc__, command.__name__ = function.__doc__, function.__name__
    return command


def _option(name: str) -> inspect.Parameter:
    field = Settings.model_fields[name]
    default = f" [default: {field.default}]" if field.default is not None and field.default != "" else ""
    kind = field.annotation if field.annotation in {int, float, str} else str
    option = typer.Option(
        f"--{name.replace('_', '-')}",
        help=f"{field.description}{default}",
        rich_help_panel=_PANEL,
        show_default=False,
    )
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[kind | None, option]
    )


@_program.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version and leave.")] = False,
) -> None:
    if version:
        _out.print(f"playhook {__version__}")
        context.exit(0)


@_program.command()
@_with_settings
def serve(
    settings: Settings,
    no_worker: Annotated[bool, typer.Option("--no-worker", help="Accept deliveries and run no jobs.")] = False,
    may_migrate: Annotated[
        bool, typer.Option("--migrate", help="Bring a PostgreSQL database to this version's schema first.")
    ] = False,
) -> None:
    """Receive deliveries, run jobs and post statuses, all in one process tree.

    The first start makes the state directory, the database, the secret key and an administrator.
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


@_program.command()
@_with_settings
def migrate(settings: Settings) -> None:
    """Bring the database to this version's schema (SQLite does so by itself at `serve`)."""
    from playhook.app import prepare_home  # noqa: PLC0415
    from playhook.store.migrate import migrate as migrate_database  # noqa: PLC0415

    prepare_home(settings)
    migrate_database(settings.database)
    _out.print("The database has this version's schema.")


@_program.command()
@_with_settings
def check(settings: Settings) -> None:
    """Check settings, state directory, secret key, database, ansible and isolation; exit 1 if one fails."""
    from playhook.app import run_checks  # noqa: PLC0415

    failures = 0
    for name, problem in run_checks(settings):
        failures += problem is not None
        result = "[green]ok[/]    " if problem is None else "[red]failed[/]"
        _out.print(f"{result}  {name}{'' if problem is None else ': ' + escape(problem)}", soft_wrap=True)
    raise typer.Exit(1 if failures else 0)


@_program.command()
def services() -> None:
    """List the services that deliver webhooks, and the credential types that post statuses to them."""
    from playhook.services.registry import load_services  # noqa: PLC0415

    for name, service in sorted(load_services().items()):
        _out.print(f"[bold]{name:<20}[/] {service.label:<24} {service.credential_type or '-'}")


@_program.command()
def networks(
    service: Annotated[str, typer.Argument(help="A service that publishes its addresses, as github.")],
    api_url: Annotated[str | None, typer.Option(help="API of an instance of your own.")] = None,
) -> None:
    """Ask a service where its deliveries come from, and print the value for PLAYHOOK_ALLOWED_NETWORKS."""
    from playhook.app import fetch_networks  # noqa: PLC0415

    sys.stdout.write(",".join(fetch_networks(service, api_url)) + "\n")


@_program.command()
@_with_settings
def jobs(
    settings: Settings,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many, newest first.")] = 20,
) -> None:
    """List the newest jobs."""
    from playhook.store.newest import newest_jobs  # noqa: PLC0415

    _show(
        settings,
        newest_jobs,
        limit,
        ["job", "type", "status", "name", "launched by", "started", "seconds", "explanation"],
    )


@_program.command()
@_with_settings
def deliveries(
    settings: Settings,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many, newest first.")] = 20,
) -> None:
    """List the newest deliveries, with what became of them and why."""
    from playhook.store.newest import newest_deliveries  # noqa: PLC0415

    titles = ["delivery", "received", "template", "service", "event", "outcome", "reason"]
    _show(settings, newest_deliveries, limit, titles)


@_program.command()
@_with_settings
def send(
    settings: Settings,
    template: Annotated[int | None, typer.Option(help="Id of the job template to send to.")] = None,
    endpoint: Annotated[str, typer.Option(help="Or an endpoint, as service/name.")] = "",
    event: Annotated[str, typer.Option(help="Event type in the service's words; its plainest when left out.")] = "",
    payload: Annotated[Path | None, typer.Option(exists=True, help="File to send in place of the sample.")] = None,
) -> None:
    """Send a sample delivery, signed with the address's own key, to the running receiver, and show the verdict."""
    from playhook.app import send_and_explain  # noqa: PLC0415

    if template is None and not endpoint:
        raise SettingsError("say where to: --template ID or --endpoint SERVICE/NAME")
    sent, lines = send_and_explain(settings, template, endpoint, event, payload.read_bytes() if payload else None)
    _out.print(f"{sent.event_type} {sent.guid} → {escape(sent.url)}", soft_wrap=True)
    _out.print(f"{sent.status} {escape(sent.message)}", style="green" if sent.status < 300 else "red", soft_wrap=True)
    _show_lines(lines)
    raise typer.Exit(0 if sent.status < 300 else 1)


@_program.command()
@_with_settings
def explain(
    settings: Settings,
    delivery: Annotated[int, typer.Argument(help="Id of the delivery, as in `playhook deliveries`.")],
    rules: Annotated[Path | None, typer.Option(exists=True, help="YAML or JSON file of rules to try instead.")] = None,
) -> None:
    """Say why a delivery did or did not launch, and what it would do now; runs and changes nothing."""
    from playhook.app import explain_with  # noqa: PLC0415

    _show_lines(explain_with(settings, delivery, rules.read_text() if rules else None))


@_token.command("create")
@_with_settings
def create_token(
    settings: Settings,
    username: Annotated[str | None, typer.Option(help="Whose token; the first administrator's when left out.")] = None,
    scope: Annotated[str, typer.Option(help="read or write.")] = "write",
    description: Annotated[str, typer.Option(help="What it is for.")] = "made by playhook token create",
) -> None:
    """Make an API token and print it, once, on standard output."""
    from playhook.app import open_database  # noqa: PLC0415
    from playhook.store.tokens import create_token_for  # noqa: PLC0415

    store, password_file = open_database(settings)
    _tell_password(settings, password_file)
    try:
        token = store.write(create_token_for, username or settings.admin_username, scope, description)
    finally:
        store.close()
    sys.stdout.write(token + "\n")


def _show(settings: Settings, newest: Callable[[Any, int], Sequence[Any]], limit: int, titles: list[str]) -> None:
    from playhook.app import opened  # noqa: PLC0415

    with opened(settings) as store:
        rows = newest(store, limit)
    table = Table(*titles, box=None, header_style="bold")
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    _out.print(table)


def _show_lines(lines: Iterable[tuple[str, str]]) -> None:
    for tone, text in lines:
        _out.print(escape(text), style={"good": "green", "bad": "red"}.get(tone), soft_wrap=True)


_COLOURS = {
    "successful": "green", "launched": "green", "running": "cyan", "failed": "red", "error": "red", "refused": "red",
    "canceled": "yellow", "ignored": "yellow", "duplicate": "yellow",
}  # fmt: skip


def _cell(value: object) -> str:
    if value is None:
        return ""
    text = f"{value:%Y-%m-%d %H:%M:%S}" if isinstance(value, datetime) else escape(str(value))
    return f"[{_COLOURS[text]}]{text}[/]" if text in _COLOURS else text


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
    _err.print(f"[bold]Playhook {__version__}[/] listens on [cyan]{escape(bound)}[/]{known_as}", soft_wrap=True)
    _tell_password(settings, password_file)


def _tell_password(settings: Settings, password_file: Path | None) -> None:
    if password_file is not None:
        _err.print(
            f"The password of [bold]{settings.admin_username}[/] was generated; read it in [bold]{password_file}[/]",
            soft_wrap=True,
        )


def main() -> None:
    """Run the command line; what goes wrong is one sentence and exit status 2."""
    try:
        _program()
    except PlayhookError as error:
        _err.print(f"[red]playhook:[/] {escape(str(error))}", soft_wrap=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
