# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands about one delivery: send a sample, explain a stored one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from playhook.cli.console import out, show_lines
from playhook.cli.options import with_settings
from playhook.errors import SettingsError
from playhook.settings import Settings


@with_settings
def send(
    settings: Settings,
    template: Annotated[int | None, typer.Option(help="Id of the job or workflow job template to send to.")] = None,
    endpoint: Annotated[str, typer.Option(help="Or an endpoint, as service/name.")] = "",
    event: Annotated[str, typer.Option(help="Event type in the service's words; its plainest when left out.")] = "",
    payload: Annotated[Path | None, typer.Option(exists=True, help="File to send in place of the sample.")] = None,
) -> None:
    """Send a sample delivery, signed with the address's own key, to the running receiver, and show the verdict."""
    from playhook.app import send_and_explain  # noqa: PLC0415

    if template is None and not endpoint:
        raise SettingsError("say where to: --template ID or --endpoint SERVICE/NAME")
    sent, lines = send_and_explain(settings, template, endpoint, event, payload.read_bytes() if payload else None)
    out.print(f"{sent.event_type} {sent.guid} → {escape(sent.url)}", soft_wrap=True)
    out.print(f"{sent.status} {escape(sent.message)}", style="green" if sent.status < 300 else "red", soft_wrap=True)
    show_lines(lines)
    raise typer.Exit(0 if sent.status < 300 else 1)


@with_settings
def explain(
    settings: Settings,
    delivery: Annotated[int, typer.Argument(help="Id of the delivery, as in `playhook deliveries`.")],
    rules: Annotated[Path | None, typer.Option(exists=True, help="YAML or JSON file of rules to try instead.")] = None,
) -> None:
    """Say why a delivery did or did not launch, and what it would do now; runs and changes nothing."""
    from playhook.app import explain_with  # noqa: PLC0415

    show_lines(explain_with(settings, delivery, rules.read_text() if rules else None))
