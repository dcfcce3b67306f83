# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a service's answer means for the post: done, worth another try, or over."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from playhook.outbound.client import Answer
from playhook.store.status_posts import PostState

_LONGEST: Final = timedelta(hours=4)


@dataclass(frozen=True, kw_only=True)
class Settled:
    """How a post ends, or, with `again_after`, when it is tried again at the earliest."""

    state: PostState
    sentence: str
    again_after: timedelta | None = None


def settle(answer: Answer) -> Settled:
    """Read an answer. The text of the service is not repeated but for GitLab's one harmless refusal."""
    if 200 <= answer.status < 300:
        return Settled(state="sent", sentence=f"The service answered {answer.status}.")
    if answer.status == 400 and "Cannot transition status" in answer.text:
        # GitLab refuses to repeat a state: it has it already.
        return Settled(state="sent", sentence="The service has this status already.")
    sentence = f"The service answered {answer.status}{_hint(answer.status)}"
    if answer.status >= 500 or answer.status in {408, 425, 429} or _is_rate_limited(answer):
        return Settled(state="failed", sentence=sentence, again_after=_retry_after(answer))
    return Settled(state="failed", sentence=sentence)


def _hint(status: int) -> str:
    if status in {401, 403}:
        return ": check the token of the webhook credential and its scopes."
    if status == 404:
        return ": check the credential's api_url, and that its token may see the repository."
    if 300 <= status < 400:
        return ": redirects are not followed; correct the credential's api_url."
    return "."


def _is_rate_limited(answer: Answer) -> bool:
    # GitHub answers 403 for rate limits, with one of these headers:
    # https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit
    headers = {name.lower(): value for name, value in answer.headers.items()}
    return answer.status == 403 and ("retry-after" in headers or headers.get("x-ratelimit-remaining") == "0")


def _retry_after(answer: Answer) -> timedelta:
    value = {name.lower(): value for name, value in answer.headers.items()}.get("retry-after", "")
    return min(timedelta(seconds=int(value)), _LONGEST) if value.isdecimal() and len(value) < 8 else timedelta(0)
