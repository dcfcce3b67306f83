# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each error has one answer, and what is not ours to tell is not told."""

from __future__ import annotations

import json

import pytest
from starlette.exceptions import HTTPException

from playhook.errors import (
    BadQuery,
    Conflict,
    Forbidden,
    InvalidInput,
    JobCannotRun,
    NotFound,
    StoreUnavailable,
    TooLarge,
)
from playhook.web.errors import InUse, answer_error


@pytest.mark.parametrize(
    ("error", "status", "body"),
    [
        (InvalidInput({"name": ["Too long."]}), 400, {"name": ["Too long."]}),
        (BadQuery("no such field"), 400, {"detail": "no such field"}),
        (Forbidden(), 403, {"detail": "You do not have permission to perform this action."}),
        (NotFound("nothing"), 404, {"detail": "nothing"}),
        (Conflict("in use"), 409, {"detail": "in use"}),
        (InUse({"detail": "in use", "active_jobs": []}), 409, {"detail": "in use", "active_jobs": []}),
        (TooLarge("too large"), 413, {"detail": "too large"}),
        (StoreUnavailable("later"), 503, {"detail": "later"}),
        (HTTPException(405, "no"), 405, {"detail": "no"}),
        (HTTPException(404), 404, {"detail": "Not found."}),
        (JobCannotRun("a path in /home/somebody"), 500, {"detail": "A server error has occurred."}),
        (ValueError("secret"), 500, {"detail": "A server error has occurred."}),
    ],
)
def test_answers(error: Exception, status: int, body: object) -> None:
    answer = answer_error(error)
    assert (answer.status_code, json.loads(bytes(answer.body))) == (status, body)


def test_a_busy_store_says_when_to_come_back() -> None:
    assert answer_error(StoreUnavailable("later")).headers["retry-after"] == "5"
