# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The reporter: sends what is due in the outbox, and tries again what failed."""

from __future__ import annotations

import random
import threading
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from playhook.dispatch.base import Dispatch
from playhook.domain.job import JobType
from playhook.domain.status import CommitStatus, StatusCredential
from playhook.errors import DeliveryRefused, PlayhookError
from playhook.logs import get_logger
from playhook.outbound.client import Answer, NoAnswer, OutboundClient
from playhook.report.answers import Settled, settle
from playhook.services.base import Service
from playhook.store.encryption import is_encrypted
from playhook.store.status_posts import (
    StatusPost,
    claim_post,
    close_post,
    find_due_post,
    next_due,
    retry_post,
)
from playhook.store.store import Store

_log = get_logger(__name__)
TASK: Final = "post_status"
_SWEEP: Final = 30.0  # seconds after which the outbox is looked at without being rung
ATTEMPTS: Final = 18  # with the delays below, about a day
_PAGES: Final[Mapping[JobType, str]] = {
    "job": "jobs",
    "project_update": "project_updates",
    "workflow_job": "workflow_jobs",
    "workflow_approval": "workflow_approvals",
}


class Reporter:
    """Sends status posts, one at a time, oldest first. Dispatch calls it when one was queued, when one is due again,
    and now and then for what was never rung.
    """

    def __init__(self, store: Store, services: Mapping[str, Service], dispatch: Dispatch, public_url: str) -> None:
        self._store = store
        self._services = services
        self._dispatch = dispatch
        self._public_url = public_url
        self._client = OutboundClient()
        self._sending = threading.Lock()
        self._stopping = threading.Event()

    def start(self) -> None:
        self._dispatch.register(TASK, self._drain, every=_SWEEP)

    def stop(self, timeout: float = 10.0) -> None:
        """Stop after the post in hand; what is still queued stays in the outbox."""
        self._stopping.set()
        self._dispatch.stop(TASK)
        if self._sending.acquire(timeout=timeout):
            self._client.close()

    def _drain(self, _key: int) -> None:
        """Send all that is due, and be called again when the next post is."""
        with self._sending:
            while not self._stopping.is_set():
                with self._store.reading() as connection:
                    due = find_due_post(connection, datetime.now(UTC))
                    upcoming = next_due(connection) if due is None else None
                if due is None:
                    if upcoming is not None:
                        self._dispatch.defer(TASK, 0, upcoming)
                    return
                post = self._store.write(claim_post, due)
                if post is not None:
                    self._send(post)

    def _send(self, post: StatusPost) -> None:
        log = _log.bind(job=post.job_id, service=post.service, status=post.status)
        settled = self._attempt(post)
        if settled.again_after is not None and post.attempts < ATTEMPTS:
            delay = max(settled.again_after, _backoff(post.attempts))
            self._store.write(retry_post, post, datetime.now(UTC) + delay, settled.sentence)
            log.warning("status not posted yet", reason=settled.sentence, attempt=post.attempts)
            return
        self._store.write(close_post, post.id, settled.state, settled.sentence)
        (log.info if settled.state != "failed" else log.error)(
            "status post ended", state=settled.state, answer=settled.sentence
        )

    def _attempt(self, post: StatusPost) -> Settled:
        service = self._services.get(post.service)
        if service is None or post.credential_inputs is None:
            return Settled(state="skipped", sentence="The credential or the service plugin is gone.")
        try:
            request = service.status_request(post.target, self._status(post), self._credential(post))
            if request is None:
                return Settled(state="skipped", sentence="The service has no such state.")
            answer: Answer = self._client.send(request)
        except NoAnswer as error:
            return Settled(state="failed", sentence=str(error), again_after=timedelta(0))
        except DeliveryRefused as error:  # the event is from another host than the pinned one
            return Settled(state="skipped", sentence=str(error))
        except PlayhookError as error:
            return Settled(state="failed", sentence=str(error))
        except Exception as error:  # noqa: BLE001 - one post must not hold up the others
            return _fail_unexpectedly(post, error)
        return settle(answer)

    def _status(self, post: StatusPost) -> CommitStatus:
        return CommitStatus(
            status=post.status,
            context=post.context,
            description=post.description,
            target_url=f"{self._public_url}/api/v2/{_PAGES[post.job_type]}/{post.job_id}/",
        )

    def _credential(self, post: StatusPost) -> StatusCredential:
        inputs = post.credential_inputs or {}
        token = inputs.get("token") or ""
        plain = self._store.cipher.decrypt(token) if is_encrypted(token) else token
        return StatusCredential(token=plain, api_url=inputs.get("api_url") or None)


def _fail_unexpectedly(post: StatusPost, error: Exception) -> Settled:
    # Where it happened, and not what it says: its words may hold the token.
    name, where = type(error).__name__, "".join(traceback.format_tb(error.__traceback__))
    _log.error("status post failed unexpectedly", job=post.job_id, service=post.service, error=name, where=where)
    return Settled(state="failed", sentence=f"The status could not be posted ({name}).", again_after=timedelta(0))


def _backoff(attempts: int) -> timedelta:
    """Return 2 s, 4 s, … up to 4 hours, spread by a fifth so that many posts do not return at once."""
    return timedelta(seconds=min(2.0**attempts, 4 * 3600.0) * random.uniform(0.8, 1.2))  # noqa: S311
