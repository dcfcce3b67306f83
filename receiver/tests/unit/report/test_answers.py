# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each answer of a service means for a status post."""

from __future__ import annotations

from datetime import timedelta

import pytest

from playhook.outbound.client import Answer
from playhook.report.answers import settle


def _answer(status: int, text: str = "", **headers: str) -> Answer:
    return Answer(status=status, headers={name.replace("_", "-"): value for name, value in headers.items()}, text=text)


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_success_ends_the_post(status: int) -> None:
    assert settle(_answer(status)).state == "sent"


def test_gitlab_refusing_to_repeat_a_state_is_success() -> None:
    text = '{"message":"Cannot transition status via :enqueue from :pending (Reason(s): Status cannot transition)"}'
    assert settle(_answer(400, text)).state == "sent"


@pytest.mark.parametrize("status", [400, 404, 410, 422, 301, 302, 401])
def test_what_will_not_change_is_not_tried_again(status: int) -> None:
    settled = settle(_answer(status))
    assert (settled.state, settled.again_after) == ("failed", None)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_what_may_pass_is_tried_again(status: int) -> None:
    assert settle(_answer(status)).again_after == timedelta(0)


@pytest.mark.parametrize(
    ("headers", "again"),
    [
        ({}, None),
        ({"X_RateLimit_Remaining": "0"}, timedelta(0)),
        ({"X_RateLimit_Remaining": "7"}, None),
        ({"Retry_After": "60"}, timedelta(seconds=60)),
    ],
)
def test_forbidden_is_a_rate_limit_only_when_github_says_so(headers: dict[str, str], again: timedelta | None) -> None:
    assert settle(_answer(403, **headers)).again_after == again


@pytest.mark.parametrize(
    ("value", "again"),
    [
        ("120", timedelta(seconds=120)),
        ("9999999", timedelta(hours=4)),
        ("99999999999999999999", timedelta(0)),
        ("Wed, 21 Oct 2026 07:28:00 GMT", timedelta(0)),
        ("-5", timedelta(0)),
    ],
)
def test_retry_after_is_followed_within_reason(value: str, again: timedelta) -> None:
    assert settle(_answer(503, Retry_After=value)).again_after == again


def test_sentence_repeats_nothing_that_the_service_wrote() -> None:
    assert "ghp_planted" not in settle(_answer(422, "ghp_planted")).sentence


def test_sentence_says_what_to_check() -> None:
    assert "token" in settle(_answer(401)).sentence
    assert "api_url" in settle(_answer(404)).sentence
    assert "redirects are not followed" in settle(_answer(302)).sentence
