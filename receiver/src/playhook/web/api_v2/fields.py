# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fields of a resource: what a client may write, what it reads, and what OPTIONS says of it.

The sentences are those of AWX, which are Django REST framework's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

Kind = Literal["string", "boolean", "integer", "choice", "id", "json", "datetime", "float", "object", "list", "field"]
UNSET: Final[Any] = object()
"""No default: a field that is left out stays as it is, or is missing."""
BIGGEST: Final = 2_147_483_647
_TRUE: Final = {"t", "y", "yes", "true", "on", "1"}
_FALSE: Final = {"f", "n", "no", "false", "off", "0"}
_EMPTY_FOR_NULL: Final = frozenset({"string", "json", "boolean", "choice"})
_INTEGER: Final = re.compile(r"^\s*([+-]?\d{1,20})(?:\.0*)?\s*$")


class Refused(ValueError):
    """A value cannot be that of a field; the message is what the client is told."""


@dataclass(frozen=True, kw_only=True)
class Field:
    """One field. `column` names where it is stored; None: it is computed by the resource, or always its default.

    `verbatim` text is kept byte for byte. `forbidden` may not be filtered on. `nullable` keeps null (a choice then
    gets its default); elsewhere null is an empty text or false, as in AWX. `in_lists` is false for what only the
    detail of an object shows. A `required` field has no default. `complain` says why a string cannot be taken.
    """

    name: str
    kind: Kind
    column: str | None = None
    label: str = ""
    help_text: str = ""
    required: bool = False
    read_only: bool = False
    nullable: bool = False
    blank: bool = True
    verbatim: bool = False
    default: Any = UNSET
    max_length: int | None = None
    min_value: int | None = None
    max_value: int | None = None
    choices: tuple[tuple[Any, str], ...] = ()
    references: str = ""
    forbidden: bool = False
    in_lists: bool = True
    complain: Callable[[str], str | None] | None = None
    summary: tuple[str, ...] = field(default=())

    @property
    def title(self) -> str:
        return self.label or self.name.replace("_", " ").capitalize()

    @property
    def is_constant(self) -> bool:
        """Say whether every object has the same value here, which filters know too."""
        fixed = self.read_only and self.default is not UNSET and not isinstance(self.default, list)
        return self.column is None and (fixed or (self.kind == "id" and not self.references))

    @property
    def is_filterable(self) -> bool:
        return self.column is not None or self.is_constant

    @property
    def is_text(self) -> bool:
        return self.kind != "choice" or all(isinstance(each, str) for each, _label in self.choices)

    def parse(self, value: Any) -> Any:
        """Return the value as it is stored. Raises Refused."""
        if value is None or (value == "" and self.kind == "id"):
            if self.nullable:
                return self.default if self.kind == "choice" else None
            if self.kind not in _EMPTY_FOR_NULL or not self.is_text:
                raise Refused("This field may not be null.")
        parsed: Any = _PARSERS[self.kind](self, value)
        return parsed


def text(name: str, *, default: Any = "", **options: Any) -> Field:
    """Declare a string; one that is required has no default and may not be blank."""
    if options.get("required"):
        return Field(name=name, kind="string", column=name, blank=False, **options)
    return Field(name=name, kind="string", **{"column": name, "default": default, **options})


def flag(name: str, *, default: bool = False, **options: Any) -> Field:
    """Declare a boolean."""
    return Field(name=name, kind="boolean", **{"column": name, "default": default, **options})


def number(name: str, *, default: int = 0, minimum: int = 0, **options: Any) -> Field:
    """Declare a whole number of 32 bits."""
    bounds = {"min_value": minimum, "max_value": BIGGEST}
    return Field(name=name, kind="integer", **{"column": name, "default": default, **bounds, **options})


def choice(name: str, choices: tuple[tuple[Any, str], ...], **options: Any) -> Field:
    """Declare one of several values; the first is the default unless one is given."""
    return Field(name=name, kind="choice", **{"column": name, "choices": choices, "default": choices[0][0], **options})


def variables(name: str, **options: Any) -> Field:
    """Declare a text that holds a JSON or YAML dictionary and is read back byte for byte."""
    return Field(name=name, kind="json", **{"column": name, "default": "", "verbatim": True, **options})


def reference(name: str, references: str, *, column: str | None = UNSET, **options: Any) -> Field:
    """Declare the id of another object; `column` None where nothing can be referred to yet."""
    stored = f"{name}_id" if column is UNSET else column
    return Field(name=name, kind="id", column=stored, references=references, **{"nullable": True, **options})


def constant(name: str, value: Any, kind: Kind = "string", **options: Any) -> Field:
    """Declare a field of AWX's that has the same value on every object here."""
    return Field(name=name, kind=kind, read_only=True, default=value, **options)


def computed(name: str, kind: Kind, **options: Any) -> Field:
    """Declare a read-only field; with a column it is that column's value, else the resource computes it."""
    return Field(name=name, kind=kind, read_only=True, **options)


def check_text(value: str) -> str:
    """Return a string that the database can hold. Raises Refused."""
    if "\0" in value:
        raise Refused("Null characters are not allowed.")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise Refused("Not a valid string.") from None
    return value


def _parse_string(field: Field, value: Any) -> str:
    if not value and not isinstance(value, str):  # null, false, zero and what is empty count as no text
        if not field.blank:
            raise Refused("This field cannot be blank.")
        return ""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise Refused("Not a valid string.")
    text = check_text(str(value))
    text = text if field.verbatim else text.strip()
    if not text and not field.blank:
        raise Refused("This field may not be blank.")
    if field.max_length is not None and len(text) > field.max_length:
        raise Refused(f"Ensure this field has no more than {field.max_length} characters.")
    if field.complain is not None and (complaint := field.complain(text)) is not None:
        raise Refused(complaint)
    return text


def _parse_boolean(_field: Field, value: Any) -> bool:
    word = str(value).lower() if isinstance(value, (str, int, bool)) else ""
    if value is None or (isinstance(value, str) and word in {"", "null"}):
        return False
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise Refused("Must be a valid boolean.")


def _parse_integer(field: Field, value: Any) -> int:
    match = _INTEGER.match(str(value)) if isinstance(value, (int, float, str)) and not isinstance(value, bool) else None
    if match is None:
        raise Refused("A valid integer is required.")
    number = int(match.group(1))
    if field.max_value is not None and number > field.max_value:
        raise Refused(f"Ensure this value is less than or equal to {field.max_value}.")
    if field.min_value is not None and number < field.min_value:
        raise Refused(f"Ensure this value is greater than or equal to {field.min_value}.")
    return number


def _parse_choice(field: Field, value: Any) -> Any:
    value = value or "" if field.is_text else value
    for known, _label in field.choices:
        if not isinstance(value, bool) and str(value) == str(known):
            return known
    raise Refused(f'"{value}" is not a valid choice.')


def _parse_id(_field: Field, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise Refused(f"Incorrect type. Expected pk value, received {type(value).__name__}.")
    try:
        row_id = int(value)
    except ValueError:
        raise Refused("Incorrect type. Expected pk value, received str.") from None
    if abs(row_id) > BIGGEST:
        raise Refused(f'Invalid pk "{row_id}" - object does not exist.')
    return row_id


def _parse_json(_field: Field, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return check_text(json.dumps(value))
    if not isinstance(value, str):
        raise Refused("Not a valid string.")
    return check_text(value)


def _parse_object(_field: Field, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Refused(f'Expected a dictionary of items but got type "{type(value).__name__}".')
    return value


def _parse_list(_field: Field, value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise Refused(f'Expected a list of items but got type "{type(value).__name__}".')
    return value


_PARSERS: Final[Mapping[str, Any]] = {
    "string": _parse_string,
    "boolean": _parse_boolean,
    "integer": _parse_integer,
    "choice": _parse_choice,
    "id": _parse_id,
    "json": _parse_json,
    "object": _parse_object,
    "list": _parse_list,
}
