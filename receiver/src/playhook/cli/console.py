# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the commands print: tables, lines, the place of a generated password."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from playhook.settings import Settings

_PROSE_WIDTH = 40

out, err = Console(highlight=False), Console(stderr=True, highlight=False)


def show_rows(settings: Settings, newest: Callable[[Any, int], Sequence[Any]], limit: int, titles: list[str]) -> None:
    from playhook.app import opened  # noqa: PLC0415

    with opened(settings) as store:
        rows = newest(store, limit)
    table = Table(box=None, header_style="bold")
    cells = [[Text.from_markup(_cell(value)) for value in row] for row in rows]
    for number, title in enumerate(titles):
        longest = max([cell_len(title), *(row[number].cell_len for row in cells)])
        # Only the last one is prose, and may be broken; a status that is cut off helps nobody.
        table.add_column(title, min_width=min(longest, _PROSE_WIDTH) if number == len(titles) - 1 else longest)
    for row in cells:
        table.add_row(*row)
    needed = sum((column.min_width or 0) + 2 for column in table.columns)
    Console(highlight=False, width=max(out.width, needed)).print(table)


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
