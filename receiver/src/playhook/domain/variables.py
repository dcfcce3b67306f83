# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables as people write them: a dictionary in JSON or YAML. The sentences are AWX's."""

from __future__ import annotations

import json
from typing import Any, Final

import yaml

from playhook.domain.nesting import MAX_LEVELS

_LEAST: Final = -(2**63)
_MOST: Final = 2**64 - 1
_MOST_VALUES: Final = 100_000  # YAML's references let a few lines stand for billions


def parse_variables(text: str) -> dict[str, Any]:
    """Return the dictionary that `text` holds, {} for an empty text. Raises ValueError with the sentence to show."""
    if not text.strip() or text == '""':
        return {}
    try:
        return _checked(json.loads(text))
    except (ValueError, RecursionError) as json_error:
        try:
            return _checked(yaml.safe_load(text) or {})
        except (ValueError, RecursionError, yaml.YAMLError) as yaml_error:
            raise ValueError(
                f"Cannot parse as JSON (error: {json_error}) or YAML (error: {_describe(yaml_error)})."
            ) from yaml_error


def _describe(error: Exception) -> str:
    """Say what is wrong and where. The library's own sentence repeats the line, and there may be a password in it."""
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return str(error)
    said = ", ".join(part for part in (error.context, error.problem) if part)
    return f"{said}, line {error.problem_mark.line + 1}, column {error.problem_mark.column + 1}"


def _checked(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"Input type `{type(value).__name__}` is not a dictionary")  # noqa: TRY004  one kind for all
    waiting: list[tuple[Any, int]] = [(value, 1)]
    seen = 0
    while waiting:
        each, level = waiting.pop()
        seen += 1
        if seen > _MOST_VALUES:
            raise ValueError(f"more than {_MOST_VALUES} values")
        if isinstance(each, (dict, list)):
            if level > MAX_LEVELS:
                raise ValueError(f"nested more than {MAX_LEVELS} levels deep")
            inner = (*each.keys(), *each.values()) if isinstance(each, dict) else each
            waiting.extend((one, level + 1) for one in inner)
        elif (complaint := _complain(each)) is not None:
            raise ValueError(complaint)
    try:
        json.dumps(value)
    except (TypeError, ValueError) as error:
        raise ValueError(f"Variables not compatible with JSON standard (error: {error})") from None
    return value


def _complain(value: Any) -> str | None:
    """Say why no answer could show a value, None when one can."""
    if isinstance(value, str) and not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            return "half a surrogate pair is no text"
    if isinstance(value, int) and not _LEAST <= value <= _MOST:
        return "an integer is larger than 64 bits hold"
    return None
