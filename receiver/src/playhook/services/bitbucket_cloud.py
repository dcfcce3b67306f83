# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bitbucket Cloud.

Events: https://support.atlassian.com/bitbucket-cloud/docs/event-payloads/
Signatures: https://support.atlassian.com/bitbucket-cloud/docs/manage-webhooks/
Statuses: https://developer.atlassian.com/cloud/bitbucket/rest/api-group-commit-statuses/
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Final

from playhook.domain.delivery import Delivery, WebhookOptions
from playhook.domain.event import Action, Event, PullRequest, Repository, StatusTarget, replace
from playhook.domain.status import CommitStatus, OutgoingRequest, PostedStatus, StatusCredential
from playhook.errors import Malformed
from playhook.services import samples
from playhook.services.authenticity import find_word, get_word
from playhook.services.json_body import decode_body
from playhook.services.payload import flag, look, number, ref_name, sha, text
from playhook.services.posting import clean_text, find_origin, get_api_base
from playhook.services.signatures import Scheme

_API: Final = "https://api.bitbucket.org/2.0"
_SHA256: Final = Scheme(prefix="sha256=")
_FULL_NAME: Final = re.compile(r"(?!\.\.?/)[A-Za-z0-9_.-]{1,100}/(?!\.\.?$)[A-Za-z0-9_.-]{1,100}")
# Pull requests tell the first twelve digits of their commits; the API takes them.
_COMMIT: Final = re.compile(r"[0-9a-f]{12,40}")
_TEXT_LENGTH: Final = 255  # of a status's name and description
_KEY_LENGTH: Final = 40

# Bitbucket has no state for a check that waits; INPROGRESS stays while the job runs.
_STATES: Final[Mapping[PostedStatus, str]] = {
    "pending": "INPROGRESS",
    "successful": "SUCCESSFUL",
    "failed": "FAILED",
    "error": "FAILED",
    "canceled": "STOPPED",
}

_REQUEST_ACTIONS: Final[Mapping[str, Action]] = {
    "pullrequest:created": "opened",
    # It comes for new commits as for a new title, and does not say which.
    "pullrequest:updated": "updated",
    "pullrequest:fulfilled": "merged",
    "pullrequest:rejected": "closed",
}
_REVIEW_ACTIONS: Final[Mapping[str, Action]] = {
    "pullrequest:approved": "approved",
    "pullrequest:unapproved": "dismissed",
    "pullrequest:changes_request_created": "changes_requested",
    "pullrequest:changes_request_removed": "dismissed",
}
_COMMENT_ACTIONS: Final[Mapping[str, Action]] = {
    "pullrequest:comment_created": "commented",
    "pullrequest:comment_updated": "edited",
    "pullrequest:comment_deleted": "deleted",
    "repo:commit_comment_created": "commented",
    "issue:comment_created": "commented",
}
_OTHER_ACTIONS: Final[Mapping[str, Action]] = {"issue:created": "opened", "issue:updated": "edited"}


class BitbucketCloud:
    """The service `bitbucket_cloud`."""

    name: ClassVar[str] = "bitbucket_cloud"
    label: ClassVar[str] = "Bitbucket Cloud"
    credential_type: ClassVar[str | None] = "bitbucket_cloud_token"
    sample_types: ClassVar[Sequence[str]] = ("repo:push", "pullrequest:created", "tag", "pullrequest:comment_created")

    def verify(self, delivery: Delivery, keys: Sequence[str], options: WebhookOptions) -> None:
        """Check `X-Hub-Signature`, which is always SHA-256 here."""
        _SHA256.check(delivery.headers.get("x-hub-signature"), delivery.body, keys)

    def parse(self, delivery: Delivery) -> Event:
        """Read the event; `X-Event-Key` says what it is. A push of several refs at once is told by its first."""
        event_type = get_word(delivery, "x-event-key")
        guid = find_word(delivery, "x-request-uuid")
        payload = decode_body(delivery)
        event = Event(
            service=self.name,
            type=event_type,
            guid=guid,
            payload=payload,
            repository=_repository(payload.get("repository")),
            sender=_account(payload.get("actor")),
        )
        return _read(event)

    def status_request(
        self, target: StatusTarget, status: CommitStatus, credential: StatusCredential
    ) -> OutgoingRequest | None:
        """Build `POST /repositories/{workspace}/{slug}/commit/{sha}/statuses/build`; there is none for `running`."""
        if status.status not in _STATES:
            return None
        base = get_api_base(target, credential, _API)
        if not _FULL_NAME.fullmatch(target.repository):
            raise Malformed("The event's repository is not named workspace/slug, so no status can be posted to it.")
        if not _COMMIT.fullmatch(target.sha):
            raise Malformed("The event's commit is not a full SHA or twelve digits of one, so it can have no status.")
        return OutgoingRequest(
            method="POST",
            url=f"{base}/repositories/{target.repository}/commit/{target.sha}/statuses/build",
            api_base=base,
            headers={
                "Authorization": f"Bearer {credential.token}",
                "Accept": "application/json",
                "User-Agent": "playhook",
            },
            json=_status_body(status),
        )

    def sample(self, event_type: str) -> Mapping[str, Any]:
        """Return a small payload; `tag` is a push of a tag."""
        return {"actor": _SAMPLE_USER, "repository": _SAMPLE_REPOSITORY, **_SAMPLES[event_type]}

    def sign(self, body: bytes, *, event_type: str, guid: str, key: str, now: datetime) -> Mapping[str, str]:
        """Return Bitbucket's headers."""
        return {
            "X-Event-Key": "repo:push" if event_type == "tag" else event_type,
            "X-Request-UUID": guid,
            "X-Attempt-Number": "1",
            "X-Hub-Signature": _SHA256.write(key, body),
        }


def _status_body(status: CommitStatus) -> dict[str, str]:
    name = clean_text(status.context, _TEXT_LENGTH)
    # The key tells statuses apart, so that two long names must not be cut to the same one.
    digest = hashlib.sha256(status.context.encode()).hexdigest()
    return {
        "key": name if len(name) <= _KEY_LENGTH else f"{name[:31]}-{digest[:8]}",
        "name": name,
        "state": _STATES[status.status],
        "description": clean_text(status.description, _TEXT_LENGTH),
        "url": status.target_url,
    }


def _repository(raw: Any) -> Repository | None:
    return Repository(id=text(raw, "uuid"), full_name=text(raw, "full_name")) if isinstance(raw, dict) else None


def _account(raw: Any) -> str | None:
    """Return the id of an account: its `nickname` is not an account's own, anybody may take it."""
    return text(raw, "account_id") or text(raw, "uuid")


def _read(event: Event) -> Event:
    if event.type == "repo:push":
        return _read_push(event)
    if event.type in _REQUEST_ACTIONS:
        return _read_pull_request(event)
    if event.type in _REVIEW_ACTIONS:
        return replace(_with_pull_request(event), kind="review", action=_REVIEW_ACTIONS[event.type])
    if event.type in _COMMENT_ACTIONS:
        return _read_comment(event)
    event = _with_pull_request(event)
    return replace(event, action=_OTHER_ACTIONS.get(event.type))


def _read_push(event: Event) -> Event:
    change = look(event.payload, "push", "changes", 0)
    new, old = look(change, "new"), look(change, "old")
    named = new if isinstance(new, dict) else old
    name, is_tag = text(named, "name"), text(named, "type") == "tag"
    head = sha(new, "target", "hash")
    deleted = flag(change, "closed") or not isinstance(new, dict)
    action: Action = "deleted" if deleted else "created" if flag(change, "created") else "updated"
    event = replace(
        event,
        kind="tag" if is_tag else "push",
        action=action if isinstance(change, dict) else None,
        ref=f"refs/{'tags' if is_tag else 'heads'}/{name}" if name else None,
        branch=None if is_tag else name,
        tag=name if is_tag else None,
        head_sha=head,
        before_sha=sha(old, "target", "hash"),
        awx_ref=ref_name(new, "target", "hash"),
    )
    return _with_status_target(event)


def _read_pull_request(event: Event) -> Event:
    event = replace(_with_pull_request(event), kind="pull_request", action=_REQUEST_ACTIONS[event.type])
    return _with_status_target(
        replace(event, awx_ref=ref_name(event.payload, "pullrequest", "source", "commit", "hash"))
    )


def _read_comment(event: Event) -> Event:
    event = _with_pull_request(event)
    return replace(
        event,
        kind="comment",
        action=_COMMENT_ACTIONS[event.type],
        comment=text(event.payload, "comment", "content", "raw"),
        head_sha=event.head_sha or sha(event.payload, "commit", "hash"),
    )


def _with_pull_request(event: Event) -> Event:
    raw = event.payload.get("pullrequest")
    if not isinstance(raw, dict):
        return event
    head = text(raw, "source", "commit", "hash")
    source, target = (text(raw, side, "repository", "uuid") for side in ("source", "destination"))
    return replace(
        event,
        branch=text(raw, "source", "branch", "name"),
        base_branch=text(raw, "destination", "branch", "name"),
        head_sha=head if head and _COMMIT.fullmatch(head) else None,
        pull_request=PullRequest(
            number=number(raw, "id"),
            title=text(raw, "title"),
            author=_account(raw.get("author")),
            draft=flag(raw, "draft"),
            # A source without a repository was a fork that is deleted now.
            fork=None if target is None or "source" not in raw else source != target,
            url=text(raw, "links", "html", "href"),
        ),
    )


def _with_status_target(event: Event) -> Event:
    name = event.repository.full_name if event.repository else None
    if name is None or event.head_sha is None:
        return event
    origin = find_origin(text(event.payload, "repository", "links", "self", "href"))
    return replace(event, status_target=StatusTarget(repository=name, sha=event.head_sha, origin=origin))


_SAMPLE_USER: Final = {"account_id": "557058:5", "uuid": "{5}", "nickname": samples.ACCOUNT}
_SAMPLE_REPOSITORY: Final = {
    "uuid": "{1}", "full_name": samples.FULL_NAME,
    "links": {"self": {"href": f"{_API}/repositories/{samples.FULL_NAME}"}},
}  # fmt: skip
_SAMPLE_REQUEST: Final = {
    "id": samples.NUMBER, "title": samples.TITLE, "state": "OPEN", "draft": False, "author": _SAMPLE_USER,
    "source": {"branch": {"name": samples.BRANCH}, "commit": {"hash": samples.HEAD[:12]},
               "repository": _SAMPLE_REPOSITORY},
    "destination": {"branch": {"name": "main"}, "commit": {"hash": samples.BEFORE[:12]},
                    "repository": _SAMPLE_REPOSITORY},
}  # fmt: skip
_SAMPLE_HEAD: Final = {"type": "commit", "hash": samples.HEAD, "message": samples.TITLE}
_SAMPLES: Final[Mapping[str, dict[str, Any]]] = {
    "repo:push": {"push": {"changes": [
        {"new": {"type": "branch", "name": "main", "target": _SAMPLE_HEAD}, "created": False, "closed": False,
         "old": {"type": "branch", "name": "main", "target": {"type": "commit", "hash": samples.BEFORE}}}]}},
    "tag": {"push": {"changes": [
        {"new": {"type": "tag", "name": samples.TAG, "target": _SAMPLE_HEAD}, "old": None, "created": True,
         "closed": False}]}},
    "pullrequest:created": {"pullrequest": _SAMPLE_REQUEST},
    "pullrequest:comment_created": {"pullrequest": _SAMPLE_REQUEST, "comment": {"content": {"raw": samples.COMMENT}}},
}  # fmt: skip
