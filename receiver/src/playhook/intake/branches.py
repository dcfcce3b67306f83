# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which branch an event is about, where that is one of the repository that sent it."""

from __future__ import annotations

from typing import Final

from playhook.domain.event import Event

_RUNS_WITHOUT_HEAD: Final = frozenset({"check_suite", "check_run"})
_RUNS: Final = _RUNS_WITHOUT_HEAD | {"workflow_run", "workflow_job"}


def find_branch(event: Event) -> str | None:
    """Return the event's branch if it is one of the repository, or a pull request's, which says whether it is a fork's.

    Anyone can name a fork's branch `main`. GitHub's workflow_run says where its head is; workflow_job does not, and
    check_suite and check_run name no branch where it is in a fork.
    https://docs.github.com/en/webhooks/webhook-events-and-payloads
    """
    if event.service != "github" or event.type not in _RUNS:
        return event.branch
    run = event.payload.get(event.type)
    run = run if isinstance(run, dict) else {}
    if event.type in _RUNS_WITHOUT_HEAD and "head_repository" not in run:
        return event.branch
    head, own = run.get("head_repository"), event.repository
    is_own = isinstance(head, dict) and own is not None and own.id is not None and str(head.get("id")) == own.id
    return event.branch if is_own else None
