# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables as people write them: a dictionary in JSON or YAML. The sentences are AWX's."""

from __future__ import annotations

import json
from typing import Any, Final

import yaml

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
                f"Cannot parse as JSON (error: {json_error}) or YAML (error: {yaml_error})."
            ) from yaml_error


def _checked(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"Input type `{type(value).__name__}` is not a dictionary")  # noqa: TRY004  one kind for all
    waiting, seen = [value], 0
    while waiting:
        each: Any = waiting.pop()
        seen += 1
        if seen > _MOST_VALUES:
            raise ValueError(f"more than {_MOST_VALUES} values")
        if isinstance(each, (dict, list)):
            waiting.extend(each.values() if isinstance(each, dict) else each)
    try:
        json.dumps(value)
    except (TypeError, ValueError) as error:
        raise ValueError(f"Variables not compatible with JSON standard (error: {error})") from None
    return value
