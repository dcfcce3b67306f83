# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Named URLs: `job_templates/<name>++<organization>/` in place of an id (AWX's guide, "Access Resources")."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from playhook.store.collections import Row
from playhook.web.api_v2.call import PREFIX
from playhook.web.api_v2.resource import NamedPart, Resource

if TYPE_CHECKING:
    from playhook.web.api_v2.render import Rendering

_RESERVED: Final = ";/?:@=&[]"
_BETWEEN_PARTS: Final = re.compile(r"(?<!\[)\+\+(?!\])")
_BETWEEN_COLUMNS: Final = re.compile(r"(?<!\[)\+(?!\])")
_ENCODED: Final = re.compile(r"\[([0-9A-Fa-f]{2}|\+)\]")


def make_named_url(view: Rendering, resource: Resource, row: Row) -> str:
    """Return the path that names an object; an object it belongs to that is not there is an empty part."""
    parts = (_describe(view, resource, row, part) for part in resource.named)
    return f"{PREFIX}{resource.name}/{'++'.join(parts)}/"


def parse_named_url(resource: Resource, name: str) -> list[tuple[str, str]] | None:
    """Return the filters that find what `name` names; None when it cannot name an object of this resource."""
    parts = _BETWEEN_PARTS.split(name)
    if len(parts) != len(resource.named):
        return None
    filters: list[tuple[str, str]] = []
    for part, text in zip(resource.named, parts, strict=True):
        if not text and part.path:
            filters.append((f"{part.path}__isnull", "true"))
            continue
        values = _BETWEEN_COLUMNS.split(text)
        if len(values) != len(part.columns):
            return None
        names = (f"{part.path}__{column}" if part.path else column for column in part.columns)
        filters += [(each, _decode(value)) for each, value in zip(names, values, strict=True)]
    return filters


def _describe(view: Rendering, resource: Resource, row: Row, part: NamedPart) -> str:
    found: Row | None = row
    for name in filter(None, part.path.split("__")):
        field = resource.by_name[name]
        found = view.find(field.references, found[field.column] if found and field.column else None)
        resource = view.resources[field.references]
    return "+".join(_encode(str(found[column])) for column in part.columns) if found is not None else ""


def _encode(text: str) -> str:
    encoded = (f"[{ord(each):02X}]" if each in _RESERVED else "[+]" if each == "+" else each for each in text)
    return "".join(encoded)


def _decode(text: str) -> str:
    return _ENCODED.sub(lambda match: "+" if match[1] == "+" else chr(int(match[1], 16)), text)
