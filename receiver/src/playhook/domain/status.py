# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A commit status on its way to a service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

# "running" is dropped by services that have no such state.
PostedStatus = Literal["pending", "running", "successful", "failed", "error", "canceled"]


@dataclass(frozen=True, kw_only=True)
class CommitStatus:
    """What is told about a commit. `target_url` leads to the job's page."""

    status: PostedStatus
    context: str
    description: str
    target_url: str


@dataclass(frozen=True, kw_only=True)
class StatusCredential:
    """The token a status is posted with, and the API base it is pinned to (None: the public service)."""

    token: str = field(repr=False)
    api_url: str | None = None


@dataclass(frozen=True, kw_only=True)
class OutgoingRequest:
    """A request for the outbound client; the origin of `url` must be that of `api_base`.

    Its body is `json`, or `content` where every byte counts, as in what is signed.
    """

    method: Literal["GET", "POST", "PUT"]
    url: str
    api_base: str
    headers: Mapping[str, str] = field(repr=False)
    json: Any = None
    content: bytes | None = field(default=None, repr=False)
