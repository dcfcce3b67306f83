# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands that set an installation up: its schema, its checks, its tokens."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from rich.markup import escape

from playhook.cli.console import out
from playhook.cli.options import with_settings
from playhook.settings import Settings


@with_settings
def migrate(settings: Settings) -> None:
    """Bring the database to this version's schema (SQLite does so by itself at `serve`)."""
    from playhook.app import migrate_all, prepare_home  # noqa: PLC0415

    prepare_home(settings)
    migrate_all(settings)
    out.print("The database has this version's schema.")


@with_settings
def check(settings: Settings) -> None:
    """Check settings, state directory, secret key, database, ansible and isolation; exit 1 if one fails."""
    from playhook.app import run_checks  # noqa: PLC0415

    failures = 0
    for name, problem in run_checks(settings):
        failures += problem is not None
        result = "[green]ok[/]    " if problem is None else "[red]failed[/]"
        out.print(f"{result}  {name}{'' if problem is None else ': ' + escape(problem)}", soft_wrap=True)
    raise typer.Exit(1 if failures else 0)


@with_settings
def create_token(
    settings: Settings,
    username: Annotated[str | None, typer.Option(help="Whose token; the first administrator's when left out.")] = None,
    scope: Annotated[str, typer.Option(help="read or write.")] = "write",
    description: Annotated[str, typer.Option(help="What it is for.")] = "made by playhook token create",
) -> None:
    """Make an API token and print it, once, on standard output."""
    from playhook.app import opened  # noqa: PLC0415
    from playhook.store.tokens import create_token_for  # noqa: PLC0415

    with opened(settings) as store:
        token = store.write(create_token_for, username or settings.admin_username, scope, description)
    sys.stdout.write(token + "\n")
