# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""GitHub: github.com and GitHub Enterprise Server.

Events: https://docs.github.com/en/webhooks/webhook-events-and-payloads
Signatures: https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
Statuses: https://docs.github.com/en/rest/commits/statuses#create-a-commit-status
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Final

from playhook.domain.delivery import Delivery, WebhookOptions
from playhook.domain.event import Action, Event, StatusTarget, replace
from playhook.domain.status import CommitStatus, OutgoingRequest, PostedStatus, StatusCredential
from playhook.errors import Malformed
from playhook.services.authenticity import find_word, get_word
from playhook.services.hub_payload import read_pull_request, read_repository, with_pull_request
from playhook.services.json_body import decode_body
from playhook.services.payload import branch_of, changed_paths, flag, look, ref_name, sha, tag_of, text
from playhook.services.posting import clean_text, find_origin, get_api_base, get_sha
from playhook.services.samples import HUB_SAMPLES, hub_sample
from playhook.services.signatures import SHA1_ONLY, UNSIGNED, Scheme

_API: Final = "https://api.github.com"
_API_VERSION: Final = "2022-11-28"
_SHA256: Final = Scheme(prefix="sha256=")
_SHA1: Final = Scheme(algorithm="sha1", prefix="sha1=")
_FULL_NAME: Final = re.compile(r"(?!\.\.?/)[A-Za-z0-9_.-]{1,100}/(?!\.\.?$)[A-Za-z0-9_.-]{1,100}")

_DESCRIPTION_LENGTH: Final = 140
_CONTEXT_LENGTH: Final = 255
_MAX_COMMITS: Final = 2048  # of a push that a payload lists

# GitHub has no state for a running check; `pending` stays.
_STATES: Final[Mapping[PostedStatus, str]] = {
    "pending": "pending",
    "successful": "success",
    "failed": "failure",
    "canceled": "failure",
    "error": "error",
}

# Where AWX finds `awx_webhook_event_ref`.
_REFS: Final[Mapping[str, tuple[str, ...]]] = {
    "pull_request": ("pull_request", "head", "sha"),
    "pull_request_review": ("pull_request", "head", "sha"),
    "pull_request_review_comment": ("pull_request", "head", "sha"),
    "push": ("after",),
    "release": ("release", "tag_name"),
    "commit_comment": ("comment", "commit_id"),
    "create": ("ref",),
    "page_build": ("build", "commit"),
}

_ACTIONS: Final[Mapping[str, Action]] = {
    "opened": "opened",
    "synchronize": "updated",
    "closed": "closed",
    "reopened": "reopened",
    "labeled": "labeled",
    "unlabeled": "unlabeled",
    "assigned": "assigned",
    "unassigned": "unassigned",
    "edited": "edited",
    "ready_for_review": "ready_for_review",
    "converted_to_draft": "converted_to_draft",
    "review_requested": "review_requested",
    "review_request_removed": "edited",
    "locked": "edited",
    "unlocked": "edited",
    "milestoned": "edited",
    "demilestoned": "edited",
    "auto_merge_enabled": "edited",
    "auto_merge_disabled": "edited",
    "enqueued": "queued",
    "dequeued": "dequeued",
    "checks_requested": "queued",
    "destroyed": "dequeued",
    "created": "created",
    "deleted": "deleted",
    "dismissed": "dismissed",
}
_COMMENT_ACTIONS: Final[Mapping[str, Action]] = {"created": "commented", "edited": "edited", "deleted": "deleted"}
_REVIEW_STATES: Final[Mapping[str, Action]] = {
    "approved": "approved",
    "changes_requested": "changes_requested",
    "commented": "commented",
}
# `released` and `prereleased` come beside `published` for the same release, and are left to the payload.
_RELEASE_ACTIONS: Final[Mapping[str, Action]] = {
    "published": "published",
    "created": "created",
    "edited": "edited",
    "unpublished": "edited",
    "deleted": "deleted",
}

# Other events about a commit: where the SHA is, and the branch if there is one.
_COMMITS: Final[Mapping[str, tuple[tuple[str, ...], tuple[str, ...] | None]]] = {
    "check_run": (("check_run", "head_sha"), ("check_run", "check_suite", "head_branch")),
    "check_suite": (("check_suite", "head_sha"), ("check_suite", "head_branch")),
    "code_scanning_alert": (("commit_oid",), None),
    "deployment": (("deployment", "sha"), None),
    "deployment_status": (("deployment", "sha"), None),
    "page_build": (("build", "commit"), None),
    "status": (("sha",), None),
    "workflow_job": (("workflow_job", "head_sha"), ("workflow_job", "head_branch")),
    "workflow_run": (("workflow_run", "head_sha"), ("workflow_run", "head_branch")),
}


class GitHub:
    """The service `github`."""

    name: ClassVar[str] = "github"
    label: ClassVar[str] = "GitHub"
    credential_type: ClassVar[str | None] = "github_token"
    sample_types: ClassVar[Sequence[str]] = (*HUB_SAMPLES, "ping")

    def verify(self, delivery: Delivery, keys: Sequence[str], options: WebhookOptions) -> None:
        """Check `X-Hub-Signature-256`; `X-Hub-Signature` (SHA-1) counts only alone and where the template allows it."""
        sha256, sha1 = (delivery.headers.get(name) for name in ("x-hub-signature-256", "x-hub-signature"))
        if sha256 is None and options.allow_sha1:
            return _SHA1.check(sha1, delivery.body, keys)
        return _SHA256.check(sha256, delivery.body, keys, unsigned=UNSIGNED if sha1 is None else SHA1_ONLY)

    def parse(self, delivery: Delivery) -> Event:
        """Read the event; `X-GitHub-Event` says what it is, and unknown ones are `other`."""
        event_type = get_word(delivery, "x-github-event")
        guid = find_word(delivery, "x-github-delivery")
        payload = decode_body(delivery, form_field="payload")
        event = Event(
            service=self.name,
            type=event_type,
            guid=guid,
            payload=payload,
            repository=read_repository(payload.get("repository")),
            sender=text(payload, "sender", "login"),
            awx_ref=ref_name(payload, *_REFS[event_type]) if event_type in _REFS else None,
        )
        return _READERS.get(event_type, _read_other)(event)

    def status_request(
        self, target: StatusTarget, status: CommitStatus, credential: StatusCredential
    ) -> OutgoingRequest | None:
        """Build `POST /repos/{owner}/{repo}/statuses/{sha}`; there is none for `running`."""
        if status.status not in _STATES:
            return None
        base = get_api_base(target, credential, _API)
        if not _FULL_NAME.fullmatch(target.repository):
            raise Malformed("The event's repository is not named owner/name, so no status can be posted to it.")
        return OutgoingRequest(
            method="POST",
            url=f"{base}/repos/{target.repository}/statuses/{get_sha(target)}",
            api_base=base,
            headers={
                "Authorization": f"Bearer {credential.token}",
                "Accept": "application/vnd.github+json",
                "X-GitHub-Api-Version": _API_VERSION,
                "User-Agent": "playhook",
            },
            json=_status_body(status),
        )

    def networks_request(self, api_url: str | None) -> OutgoingRequest:
        """Build `GET /meta`: https://docs.github.com/en/rest/meta/meta#get-github-meta-information."""
        base = (api_url or _API).rstrip("/")
        headers = {"Accept": "application/vnd.github+json", "User-Agent": "playhook"}
        return OutgoingRequest(method="GET", url=f"{base}/meta", api_base=base, headers=headers)

    def read_networks(self, answer: Any) -> list[str]:
        """Return the addresses that GitHub calls `hooks`."""
        networks = look(answer, "hooks")
        if not isinstance(networks, list) or not networks or not all(isinstance(each, str) for each in networks):
            raise Malformed("GitHub's answer names no addresses of webhooks.")
        return list(networks)

    def sample(self, event_type: str) -> Mapping[str, Any]:
        """Return a small payload; `tag` is a push of a tag."""
        return hub_sample(event_type, web="https://github.com", api=_API)

    def sign(self, body: bytes, *, event_type: str, guid: str, key: str, now: datetime) -> Mapping[str, str]:
        """Return GitHub's headers."""
        return {
            "X-GitHub-Event": "push" if event_type == "tag" else event_type,
            "X-GitHub-Delivery": guid,
            "X-Hub-Signature": _SHA1.write(key, body),
            "X-Hub-Signature-256": _SHA256.write(key, body),
        }


def _status_body(status: CommitStatus) -> dict[str, str]:
    """Return the body within GitHub's limits: its statuses refuse long texts and characters above U+FFFF."""
    return {
        "state": _STATES[status.status],
        "context": clean_text(status.context, _CONTEXT_LENGTH, basic_plane=True),
        "description": clean_text(status.description, _DESCRIPTION_LENGTH, basic_plane=True),
        "target_url": status.target_url,
    }


def _action(event: Event, actions: Mapping[str, Action] = _ACTIONS) -> Action | None:
    return actions.get(text(event.payload, "action") or "")


def _read_ping(event: Event) -> Event:
    return replace(event, kind="ping")


def _read_push(event: Event) -> Event:
    payload = event.payload
    ref = text(payload, "ref")
    tag, deleted = tag_of(ref), flag(payload, "deleted")
    commits = payload.get("commits")
    complete = isinstance(commits, list) and len(commits) < _MAX_COMMITS
    return replace(
        event,
        kind="tag" if tag else "push",
        action="deleted" if deleted else "created" if flag(payload, "created") else "updated",
        ref=ref,
        branch=branch_of(ref),
        tag=tag,
        head_sha=sha(payload, "after"),
        before_sha=sha(payload, "before"),
        # What a push of a tag or a deletion changes is not in its payload; an empty list would say: nothing.
        changed_paths=changed_paths(commits) if complete and not tag and not deleted else None,
    )


def _read_pull_request(event: Event) -> Event:
    payload, repository = event.payload, event.repository
    action = _action(event)
    if action == "closed" and flag(payload, "pull_request", "merged"):
        action = "merged"
    event = replace(with_pull_request(event), kind="pull_request", action=action, before_sha=sha(payload, "before"))
    statuses_url = text(payload, "pull_request", "statuses_url")
    if repository is None or repository.full_name is None or event.head_sha is None:
        return replace(event, awx_status_api=statuses_url)
    target = StatusTarget(repository=repository.full_name, sha=event.head_sha, origin=find_origin(statuses_url))
    return replace(event, awx_status_api=statuses_url, status_target=target)


def _read_review(event: Event) -> Event:
    action = _action(event)
    if text(event.payload, "action") == "submitted":
        action = _REVIEW_STATES.get(text(event.payload, "review", "state") or "")
    return replace(
        with_pull_request(event), kind="review", action=action, comment=text(event.payload, "review", "body")
    )


def _read_review_thread(event: Event) -> Event:
    return with_pull_request(event)


def _read_comment(event: Event) -> Event:
    """Read a comment on anything; the head of a pull request is known only in comments on its lines."""
    payload = event.payload
    event = replace(
        with_pull_request(event) if "pull_request" in payload else event,
        kind="comment",
        action=_action(event, _COMMENT_ACTIONS),
        comment=text(payload, "comment", "body"),
    )
    if isinstance(look(payload, "issue", "pull_request"), dict):
        return replace(event, pull_request=read_pull_request(payload["issue"]))
    if event.type == "commit_comment":
        return replace(event, head_sha=sha(payload, "comment", "commit_id"))
    return event


def _read_release(event: Event) -> Event:
    tag = text(event.payload, "release", "tag_name")
    return replace(event, kind="release", action=_action(event, _RELEASE_ACTIONS), tag=tag)


def _read_ref(event: Event) -> Event:
    """Read `create` and `delete`. They stay `other`, because a push event says the same and comes as well."""
    ref, ref_type = text(event.payload, "ref"), text(event.payload, "ref_type")
    prefix = {"branch": "refs/heads/", "tag": "refs/tags/"}.get(ref_type or "")
    full = prefix + ref if prefix and ref else None
    action: Action = "created" if event.type == "create" else "deleted"
    return replace(event, action=action, ref=full, branch=branch_of(full), tag=tag_of(full))


def _read_merge_group(event: Event) -> Event:
    group = event.payload.get("merge_group")
    ref = text(group, "head_ref")
    return replace(
        event,
        action=_action(event),
        ref=ref,
        branch=branch_of(ref),
        base_branch=branch_of(text(group, "base_ref")),
        head_sha=sha(group, "head_sha"),
    )


def _read_other(event: Event) -> Event:
    ref = text(event.payload, "ref")
    sha_path, branch_path = _COMMITS.get(event.type, (("", ""), None))
    return replace(
        event,
        action=_action(event),
        ref=ref if ref and ref.startswith("refs/") else None,
        branch=text(event.payload, *branch_path) if branch_path else branch_of(ref),
        tag=tag_of(ref),
        head_sha=sha(event.payload, *sha_path),
    )


_READERS: Final[Mapping[str, Callable[[Event], Event]]] = {
    "ping": _read_ping,
    "push": _read_push,
    "pull_request": _read_pull_request,
    "pull_request_review": _read_review,
    "pull_request_review_thread": _read_review_thread,
    "pull_request_review_comment": _read_comment,
    "issue_comment": _read_comment,
    "commit_comment": _read_comment,
    "discussion_comment": _read_comment,
    "release": _read_release,
    "create": _read_ref,
    "delete": _read_ref,
    "merge_group": _read_merge_group,
}
