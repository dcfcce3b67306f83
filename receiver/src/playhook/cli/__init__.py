# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command `playhook`.

The modules of the commands import what is large where they use it: the launcher must be forked from a small process.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from rich.markup import escape

from playhook import __version__
from playhook.cli import deliveries, installation, lists, serve
from playhook.cli.console import err, out
from playhook.errors import PlayhookError

_program = typer.Typer(
    name="playhook",
    help="Receive webhooks and run Ansible playbooks: AWX webhooks without AWX.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
_token = typer.Typer(name="token", help="Tokens for the API.", no_args_is_help=True)
_program.add_typer(_token)


@_program.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version and leave.")] = False,
) -> None:
    if version:
        out.print(f"playhook {__version__}")
        context.exit(0)


for _command in (
    serve.serve,
    serve.worker,
    installation.migrate,
    installation.check,
    lists.services,
    lists.networks,
    lists.jobs,
    lists.deliveries,
    lists.workers,
    deliveries.send,
    deliveries.explain,
):
    _program.command()(_command)
_token.command("create")(installation.create_token)


def main() -> None:
    """Run the command line; what goes wrong is one sentence and exit status 2."""
    try:
        _program()
    except PlayhookError as error:
        err.print(f"[red]playhook:[/] {escape(str(error))}", soft_wrap=True)
        sys.exit(2)
