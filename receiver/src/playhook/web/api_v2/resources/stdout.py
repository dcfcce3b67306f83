# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The output of a job in every form that AWX offers it in."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterator
from typing import Final

from starlette.responses import Response, StreamingResponse

from playhook.store.collections import Row
from playhook.store.related import read_stdout
from playhook.web.api_v2.call import Call, answer

FORMATS: Final = frozenset({"api", "html", "json", "txt", "ansi", "txt_download", "ansi_download"})
MEDIA_TYPES: Final = frozenset({"text/plain"})
_LONGEST: Final = 4 * 1024 * 1024  # characters shown at once; a download has no limit
_TOO_LONG: Final = "Standard Output is too large to display ({} characters), only download is supported."
# Colours and cursor movements (ECMA-48), and the commands that some tools send to a terminal.
_ESCAPES: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
_PAGE: Final = (
    '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>'
    "<body><pre>{body}</pre></body></html>\n"
)


def show_stdout(call: Call, row: Row) -> Response:
    """Answer a job's output as `?format=` says; JSON for clients that want JSON, else a page."""
    form = call.query.get("format") or _wanted(call)
    if form in {"txt", "ansi", "txt_download", "ansi_download"}:
        return _stream(call, row, plain=form.startswith("txt"), download=form.endswith("download"))
    content = "".join(_read(call, row))
    if len(content) > _LONGEST:
        content = _TOO_LONG.format(len(content))
    if form == "json":
        return _answer_json(call, content)
    page = _PAGE.format(title=html.escape(row["name"]), body=html.escape(strip_escapes(content)))
    return Response(page, media_type="text/html", headers={"Content-Security-Policy": "default-src 'none'"})


def strip_escapes(text: str) -> str:
    """Return text without what only a terminal understands."""
    return _ESCAPES.sub("", text)


def _wanted(call: Call) -> str:
    accept = call.accept.lower()
    if "json" in accept:
        return "json"
    return "txt" if "text/plain" in accept else "html"


def _answer_json(call: Call, content: str) -> Response:
    lines = content.splitlines(keepends=True)
    start, end = (_line(call.query.get(name)) for name in ("start_line", "end_line"))
    first = max(0, start or 0)
    last = len(lines) if end is None else min(max(first, end), len(lines))
    part = "".join(lines[first:last])
    shown = part if call.query.get("content_format") == "ansi" else strip_escapes(part)
    if call.query.get("content_encoding") == "base64":
        shown = base64.b64encode(shown.encode()).decode()
    return answer({"range": {"start": first, "end": last, "absolute_end": len(lines)}, "content": shown})


def _line(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdecimal() and len(text) < 10 else None


def _stream(call: Call, row: Row, *, plain: bool, download: bool) -> Response:
    headers = {}
    if download:
        name = f"{row['type']}_{row['id']}{'' if plain else '.ansi'}.txt"
        headers["Content-Disposition"] = f'attachment; filename="{name}"'
    parts = (strip_escapes(part) if plain else part for part in _read(call, row))
    return StreamingResponse(parts, media_type="text/plain", headers=headers)


def _read(call: Call, row: Row) -> Iterator[str]:
    # In a connection of its own each time: a long download must hold none.
    after, parts = 0, True
    while parts:
        with call.context.store.reading() as connection:
            found = read_stdout(connection, row["id"], after=after)
        parts = bool(found)
        for counter, text in found:
            after = counter
            if text:
                yield text if text.endswith("\n") else f"{text}\n"
