# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands that list: services and their addresses, jobs, deliveries, workers."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from playhook.cli.console import out, show_rows
from playhook.cli.options import with_settings
from playhook.settings import Settings


def services() -> None:
    """List the services that deliver webhooks, and the credential types that post statuses to them."""
    from playhook.services.registry import load_services  # noqa: PLC0415

    for name, service in sorted(load_services().items()):
        out.print(f"[bold]{name:<20}[/] {service.label:<24} {service.credential_type or '-'}")


def networks(
    service: Annotated[str, typer.Argument(help="A service that publishes its addresses, as github.")],
    api_url: Annotated[str | None, typer.Option(help="API of an instance of your own.")] = None,
) -> None:
    """Ask a service where its deliveries come from, and print the value for PLAYHOOK_ALLOWED_NETWORKS."""
    from playhook.app import fetch_networks  # noqa: PLC0415

    sys.stdout.write(",".join(fetch_networks(service, api_url)) + "\n")


@with_settings
def jobs(
    settings: Settings,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many, newest first.")] = 20,
) -> None:
    """List the newest jobs."""
    from playhook.store.newest import newest_jobs  # noqa: PLC0415

    show_rows(
        settings,
        newest_jobs,
        limit,
        ["job", "type", "status", "name", "launched by", "started", "seconds", "explanation"],
    )


@with_settings
def deliveries(
    settings: Settings,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many, newest first.")] = 20,
) -> None:
    """List the newest deliveries, with what became of them and why."""
    from playhook.store.newest import newest_deliveries  # noqa: PLC0415

    titles = ["delivery", "received", "template", "service", "event", "outcome", "reason"]
    show_rows(settings, newest_deliveries, limit, titles)


@with_settings
def workers(settings: Settings) -> None:
    """List the workers that are alive, on whichever machine."""
    from playhook.store.newest import newest_workers  # noqa: PLC0415

    titles = ["worker", "version", "instance groups", "jobs at a time", "started", "last heard of"]
    show_rows(settings, newest_workers, 1000, titles)
