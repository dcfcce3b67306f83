# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages of a list: which one is wanted, and AWX's envelope around it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final
from urllib.parse import parse_qs, urlencode

from starlette.responses import Response

from playhook.errors import NotFound
from playhook.store.query import Page
from playhook.web.api_v2.call import Call, answer

PAGE_SIZE: Final = 25
MAX_PAGE_SIZE: Final = 200
_MOST_PAGES: Final = 10**9


def page_wanted(call: Call, count: Callable[[], int]) -> tuple[int, int]:
    """Return the page's number and size; `count` is asked for the last page only. Raises NotFound for no number."""
    asked = call.query.get("page_size", "")
    size = int(asked) if asked.isascii() and asked.isdecimal() and len(asked) < 10 else 0
    size = min(size or PAGE_SIZE, MAX_PAGE_SIZE)
    number = call.query.get("page") or "1"
    if number == "last":
        return max(1, -(-count() // size)), size
    if not (number.isascii() and number.isdecimal()) or not 1 <= int(number[:12]) <= _MOST_PAGES:
        raise NotFound("Invalid page.")
    return int(number), size


def answer_page(call: Call, results: list[Any], page: Page, number: int) -> Response:
    """Answer a page. Raises NotFound for a page behind the last."""
    if number > 1 and not results:
        raise NotFound("Invalid page.")
    if page.count is None:
        return answer({"results": results})
    following = _page_link(call, number + 1) if page.has_next else None
    previous = _page_link(call, number - 1) if number > 1 else None
    return answer({"count": page.count, "next": following, "previous": previous, "results": results})


def answer_whole(call: Call, everything: list[Any]) -> Response:
    """Answer a page of a list that is no table's."""
    count = len(everything)
    number, size = page_wanted(call, lambda: count)
    shown = everything[(number - 1) * size : number * size]
    return answer_page(call, shown, Page(rows=[], count=count, has_next=number * size < count), number)


def _page_link(call: Call, number: int) -> str:
    query = parse_qs(str(call.query), keep_blank_values=True)
    query["page"] = [str(number)]
    size = query.get("page_size", [""])[-1]
    if size.isascii() and size.isdecimal() and int(size[:12]) > MAX_PAGE_SIZE:
        query["page_size"] = [str(MAX_PAGE_SIZE)]
    return f"{call.path}?{urlencode(sorted(query.items()), doseq=True)}"
