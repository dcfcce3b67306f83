# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks that several resources make of what is written or deleted."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response

from playhook.domain.variables import parse_variables
from playhook.errors import InvalidInput
from playhook.store.collections import Row
from playhook.store.objects import find_active_jobs
from playhook.web.api_v2.call import Call, answer
from playhook.web.api_v2.write import Draft
from playhook.web.errors import InUse


def check_variables(draft: Draft, column: str) -> None:
    """Refuse variables that are no dictionary."""
    if column in draft.values:
        try:
            parse_variables(draft.values[column])
        except ValueError as error:
            draft.fail(column, str(error))


def show_variable_data(_call: Call, row: Row) -> Response:
    """Answer an object's variables as a dictionary; {} for what is none."""
    return answer(read_variables(row["variables"]))


def read_variables(text: str) -> dict[str, Any]:
    """Return variables as a dictionary, as JSON has it: every key is a text. {} for what is no dictionary."""
    try:
        variables = parse_variables(text)
    except ValueError:
        return {}
    as_json: dict[str, Any] = json.loads(json.dumps(variables))
    return as_json


def check_not_running(call: Call, **columns: Sequence[int]) -> None:
    """Refuse to delete what unfinished jobs use."""
    refuse_in_use(find_active_jobs(call.connection, **columns))


def refuse_in_use(jobs: Sequence[Row]) -> None:
    """Raise AWX's 409 when there are jobs."""
    if jobs:
        active = [{"type": each["type"], "id": str(each["id"])} for each in jobs]
        raise InUse({"detail": "Resource is being used by running jobs.", "active_jobs": active})


def check_keys(given: Any, known: Mapping[str, bool]) -> dict[str, Any]:
    """Return what may be written of our own key; `known` says of each name whether it may. Raises InvalidInput."""
    if not isinstance(given, dict):
        raise InvalidInput({"playhook": [f'Expected a dictionary of items but got type "{type(given).__name__}".']})
    unknown = sorted(set(given) - set(known))
    if unknown:
        allowed = ", ".join(sorted(name for name, writable in known.items() if writable))
        raise InvalidInput({"playhook": [f'Unknown key "{name}". The keys are: {allowed}.' for name in unknown]})
    return {name: value for name, value in given.items() if known[name]}
