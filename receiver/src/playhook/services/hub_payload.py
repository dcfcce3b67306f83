# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What GitHub's payloads and those modelled on them (Gitea, Forgejo, Gogs) have in common."""

from __future__ import annotations

from typing import Any

from playhook.domain.event import Event, PullRequest, Repository, replace
from playhook.services.payload import flag, identifier, number, sha, text, texts


def read_repository(raw: Any) -> Repository | None:
    """Return the repository that `raw` tells of, None when it is no object."""
    if not isinstance(raw, dict):
        return None
    return Repository(id=identifier(raw, "id"), full_name=text(raw, "full_name"), clone_url=text(raw, "clone_url"))


def read_pull_request(raw: Any) -> PullRequest | None:
    """Return the pull request that `raw` tells of, also where it is told as an issue."""
    if not isinstance(raw, dict):
        return None
    return PullRequest(
        number=number(raw, "number"),
        title=text(raw, "title"),
        author=text(raw, "user", "login"),
        draft=flag(raw, "draft"),
        labels=texts(raw, "labels", key="name"),
        fork=_is_fork(raw),
        url=text(raw, "html_url"),
    )


def with_pull_request(event: Event) -> Event:
    """Add the pull request of the payload: itself, its branches and its head commit."""
    raw = event.payload.get("pull_request")
    return replace(
        event,
        branch=text(raw, "head", "ref"),
        base_branch=text(raw, "base", "ref"),
        head_sha=sha(raw, "head", "sha"),
        pull_request=read_pull_request(raw),
    )


def _is_fork(raw: dict[str, Any]) -> bool | None:
    """Compare the ids, which outlive a rename. A head without a repository was a fork that is deleted now."""
    head, base = raw.get("head"), number(raw, "base", "repo", "id")
    if base is None or not isinstance(head, dict) or "repo" not in head:
        return None
    return number(head, "repo", "id") != base
