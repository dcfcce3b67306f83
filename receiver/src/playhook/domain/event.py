# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a delivery means, in one form for every service. None always means: the service did not say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeVar

Kind = Literal["push", "tag", "pull_request", "comment", "review", "release", "ping", "other"]
Action = Literal[
    "opened", "updated", "closed", "merged", "reopened", "labeled", "unlabeled", "assigned", "unassigned", "edited",
    "ready_for_review", "converted_to_draft", "review_requested", "approved", "changes_requested", "dismissed",
    "commented", "created", "deleted", "published", "queued", "dequeued",
]  # fmt: skip


Told = TypeVar("Told")


@dataclass(frozen=True, kw_only=True)
class Repository:
    """The repository that sent the event. `id` is the service's own, as text."""

    id: str | None = None
    full_name: str | None = None
    clone_url: str | None = None


@dataclass(frozen=True, kw_only=True)
class PullRequest:
    """A pull or merge request. `fork` is true when its head lives in another repository than its base."""

    number: int | None = None
    title: str | None = None
    author: str | None = None
    draft: bool | None = None
    labels: tuple[str, ...] | None = None
    fork: bool | None = None
    url: str | None = None


@dataclass(frozen=True, kw_only=True)
class StatusTarget:
    """The commit that a status is posted to. All of it comes from the payload and is checked again before use.

    `origin` (scheme://host[:port]) is where the payload says the service is; it is only ever compared, never called.
    """

    repository: str
    sha: str
    origin: str | None


@dataclass(frozen=True, kw_only=True)
class Event:
    """The normal form of a delivery.

    `type` and `guid` are the service's own words; `guid` is None where the service sends none. `awx_ref` and
    `awx_status_api` feed AWX's extra vars of those names. `status_target` is None where AWX posts no status.
    `payload` is the whole decoded body.
    """

    service: str
    type: str
    guid: str | None
    payload: dict[str, Any]
    kind: Kind = "other"
    action: Action | None = None
    repository: Repository | None = None
    ref: str | None = None
    branch: str | None = None
    base_branch: str | None = None
    tag: str | None = None
    head_sha: str | None = None
    before_sha: str | None = None
    pull_request: PullRequest | None = None
    changed_paths: tuple[str, ...] | None = None
    comment: str | None = None
    sender: str | None = None
    awx_ref: str | None = None
    awx_status_api: str | None = None
    status_target: StatusTarget | None = None


def replace(told: Told, **facts: Any) -> Told:
    """Return an event, or a part of one, with other facts; dataclasses.replace() costs five times as much."""
    changed = object.__new__(type(told))
    changed.__dict__.update(told.__dict__, **facts)
    return changed
