# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the commands print: tables, lines, the place of a generated password."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from playhook.settings import Settings

out, err = Console(highlight=False), Console(stderr=True, highlight=False)


def show_rows(settings: Settings, newest: Callable[[Any, int], Sequence[Any]], limit: int, titles: list[str]) -> None:
    from playhook.app import opened  # noqa: PLC0415

    with opened(settings) as store:
        rows = newest(store, limit)
    table = Table(*titles, box=None, header_style="bold")
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    out.print(table)


def show_lines(lines: Iterable[tuple[str, str]]) -> None:
    for tone, text in lines:
        out.print(escape(text), style={"good": "green", "bad": "red"}.get(tone), soft_wrap=True)


_COLOURS = {
    "successful": "green", "launched": "green", "running": "cyan", "failed": "red", "error": "red", "refused": "red",
    "canceled": "yellow", "ignored": "yellow", "duplicate": "yellow",
}  # fmt: skip


def _cell(value: object) -> str:
    if value is None:
        return ""
    text = f"{value:%Y-%m-%d %H:%M:%S}" if isinstance(value, datetime) else escape(str(value))
    return f"[{_COLOURS[text]}]{text}[/]" if text in _COLOURS else text


def tell_password(settings: Settings, password_file: Path | None) -> None:
    if password_file is not None:
        err.print(
            f"The password of [bold]{settings.admin_username}[/] was generated; read it in [bold]{password_file}[/]",
            soft_wrap=True,
        )
