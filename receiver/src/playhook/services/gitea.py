# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gitea, Forgejo and Gogs.

Events and signatures: https://docs.gitea.com/usage/repository/webhooks, https://forgejo.org/docs/latest/user/webhooks/
Payloads: `modules/structs/hook.go` of Gitea's source; Gogs tells less of pull requests.
Statuses: https://docs.gitea.com/api (`POST /repos/{owner}/{repo}/statuses/{sha}`)
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Final

from playhook.domain.delivery import Delivery, WebhookOptions
from playhook.domain.event import Action, Event, StatusTarget, replace
from playhook.domain.status import CommitStatus, OutgoingRequest, PostedStatus, StatusCredential
from playhook.errors import Malformed, NotAuthentic
from playhook.services.authenticity import find_word
from playhook.services.hub_payload import read_pull_request, read_repository, with_pull_request
from playhook.services.json_body import decode_body
from playhook.services.payload import (
    branch_of,
    changed_paths,
    flag,
    is_zeros,
    look,
    number,
    ref_name,
    sha,
    tag_of,
    text,
)
from playhook.services.posting import clean_text, find_origin, get_api_base, get_sha
from playhook.services.samples import HUB_SAMPLES, hub_sample
from playhook.services.signatures import Scheme

# All of one name are the same in one delivery; the first that is there counts, so that none helps another out.
_KINDS: Final = ("forgejo", "gitea", "gogs")
_SIGNATURES: Final = tuple((f"x-{kind}-signature", Scheme()) for kind in _KINDS)
_HUB: Final = ("x-hub-signature-256", Scheme(prefix="sha256="))
_API_PATH: Final = "/api/v1"
_FULL_NAME: Final = re.compile(r"(?!\.\.?/)[A-Za-z0-9_.-]{1,100}/(?!\.\.?$)[A-Za-z0-9_.-]{1,100}")
_TEXT_LENGTH: Final = 255  # of a status's description and context

# There is no state for a running check; `pending` stays.
_STATES: Final[Mapping[PostedStatus, str]] = {
    "pending": "pending",
    "successful": "success",
    "failed": "failure",
    "error": "error",
    "canceled": "failure",
}

_REFS: Final[Mapping[str, tuple[str, ...]]] = {
    "push": ("after",),
    "pull_request": ("pull_request", "head", "sha"),
    "pull_request_approved": ("pull_request", "head", "sha"),
    "pull_request_rejected": ("pull_request", "head", "sha"),
    "pull_request_comment": ("pull_request", "head", "sha"),
    "release": ("release", "tag_name"),
    "create": ("ref",),
}

_ACTIONS: Final[Mapping[str, Action]] = {
    "opened": "opened",
    "synchronized": "updated",
    "closed": "closed",
    "reopened": "reopened",
    "edited": "edited",
    "assigned": "assigned",
    "unassigned": "unassigned",
    "label_updated": "labeled",
    "label_cleared": "unlabeled",
    "milestoned": "edited",
    "demilestoned": "edited",
    "review_requested": "review_requested",
    "review_request_removed": "edited",
    "created": "created",
    "deleted": "deleted",
}
_REVIEW_ACTIONS: Final[Mapping[str, Action]] = {
    "pull_request_approved": "approved",
    "pull_request_rejected": "changes_requested",
    "pull_request_comment": "commented",
}
_COMMENT_ACTIONS: Final[Mapping[str, Action]] = {"created": "commented", "edited": "edited", "deleted": "deleted"}
_RELEASE_ACTIONS: Final[Mapping[str, Action]] = {"published": "published", "updated": "edited", "deleted": "deleted"}


class Gitea:
    """The service `gitea`, for its relatives too."""

    name: ClassVar[str] = "gitea"
    label: ClassVar[str] = "Gitea, Forgejo, Gogs"
    credential_type: ClassVar[str | None] = "gitea_token"
    sample_types: ClassVar[Sequence[str]] = HUB_SAMPLES

    def verify(self, delivery: Delivery, keys: Sequence[str], options: WebhookOptions) -> None:
        """Check `X-Forgejo-Signature`, `X-Gitea-Signature`, `X-Gogs-Signature` or `X-Hub-Signature-256`."""
        sent = [(delivery.headers[name], scheme) for name, scheme in (*_SIGNATURES, _HUB) if name in delivery.headers]
        given, scheme = sent[0] if sent else (None, _HUB[1])
        unsigned = given in {None, "", _HUB[1].prefix}  # what is sent where the webhook has no secret
        try:
            scheme.check(None if unsigned else given, delivery.body, keys)
        except NotAuthentic as refusal:
            if not delivery.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
                raise
            raise NotAuthentic(
                f"{refusal} It is a form, and the signature of a form is not over what is sent: set the webhook's"
                " content type to application/json."
            ) from None

    def parse(self, delivery: Delivery) -> Event:
        """Read the event; `X-Gitea-Event` or its namesakes say what it is."""
        event_type = _find_header(delivery, "event") or _find_header(delivery, "event-type")
        if event_type is None:
            raise Malformed("The delivery has no header X-Forgejo-Event, X-Gitea-Event or X-Gogs-Event.")
        guid = _find_header(delivery, "delivery")
        payload = decode_body(delivery)
        event = Event(
            service=self.name,
            type=event_type,
            guid=guid,
            payload=payload,
            repository=read_repository(payload.get("repository")),
            sender=text(payload, "sender", "login"),
            awx_ref=ref_name(payload, *_REFS[event_type]) if event_type in _REFS else None,
        )
        return _read(event)

    def status_request(
        self, target: StatusTarget, status: CommitStatus, credential: StatusCredential
    ) -> OutgoingRequest | None:
        """Build `POST /api/v1/repos/{owner}/{repo}/statuses/{sha}`; there is none for `running`.

        The credential's api_url is the instance, or its API.
        """
        if status.status not in _STATES:
            return None
        base = get_api_base(target, credential, None).removesuffix(_API_PATH) + _API_PATH
        if not _FULL_NAME.fullmatch(target.repository):
            raise Malformed("The event's repository is not named owner/name, so no status can be posted to it.")
        return OutgoingRequest(
            method="POST",
            url=f"{base}/repos/{target.repository}/statuses/{get_sha(target)}",
            api_base=base,
            headers={
                "Authorization": f"token {credential.token}",
                "Accept": "application/json",
                "User-Agent": "playhook",
            },
            json={
                "state": _STATES[status.status],
                "context": clean_text(status.context, _TEXT_LENGTH),
                "description": clean_text(status.description, _TEXT_LENGTH),
                "target_url": status.target_url,
            },
        )

    def sample(self, event_type: str) -> Mapping[str, Any]:
        """Return a small payload; `tag` is a push of a tag."""
        return hub_sample(event_type, web="https://gitea.example.com", api=f"https://gitea.example.com{_API_PATH}")

    def sign(self, body: bytes, *, event_type: str, guid: str, key: str, now: datetime) -> Mapping[str, str]:
        """Return Gitea's headers, without those for receivers that expect another service."""
        return {
            "X-Gitea-Event": "push" if event_type == "tag" else event_type,
            "X-Gitea-Delivery": guid,
            "X-Gitea-Signature": Scheme().write(key, body),
        }


def _find_header(delivery: Delivery, what: str) -> str | None:
    found = [find_word(delivery, f"x-{kind}-{what}") for kind in _KINDS]
    return next((word for word in found if word), None)


def _read(event: Event) -> Event:
    if event.type == "push":
        return _with_status_target(_read_push(event))
    if event.type == "pull_request":
        return _with_status_target(_read_pull_request(event))
    if event.type in _REVIEW_ACTIONS:
        comment = text(event.payload, "review", "content")
        return replace(_told_pull_request(event), kind="review", action=_REVIEW_ACTIONS[event.type], comment=comment)
    if event.type == "issue_comment":
        return _read_comment(event)
    if event.type == "release":
        tag, action = text(event.payload, "release", "tag_name"), _action(event, _RELEASE_ACTIONS)
        return replace(event, kind="release", action=action, tag=tag)
    if event.type in {"create", "delete"}:
        return _read_ref(event)
    return replace(event, action=_action(event, _ACTIONS))


def _action(event: Event, actions: Mapping[str, Action]) -> Action | None:
    return actions.get(text(event.payload, "action") or "")


def _read_push(event: Event) -> Event:
    payload = event.payload
    ref, before, after = text(payload, "ref"), text(payload, "before"), text(payload, "after")
    tag, commits = tag_of(ref), payload.get("commits")
    # Gitea lists the first few commits only; an older one does not say how many there are.
    complete = isinstance(commits, list) and number(payload, "total_commits") == len(commits)
    return replace(
        event,
        kind="tag" if tag else "push",
        action="deleted" if is_zeros(after) else "created" if is_zeros(before) else "updated",
        ref=ref,
        branch=branch_of(ref),
        tag=tag,
        head_sha=sha(payload, "after"),
        before_sha=sha(payload, "before"),
        changed_paths=changed_paths(commits) if complete and not tag and not is_zeros(after) else None,
    )


def _read_pull_request(event: Event) -> Event:
    action = _action(event, _ACTIONS)
    if action == "closed" and flag(event.payload, "pull_request", "merged"):
        action = "merged"
    return replace(_told_pull_request(event), kind="pull_request", action=action)


def _told_pull_request(event: Event) -> Event:
    """Add the pull request as Gitea tells it, or as Gogs does."""
    event, raw = with_pull_request(event), event.payload.get("pull_request")
    branch = event.branch
    if branch is not None and branch.startswith("refs/pull/"):  # the branch is deleted; its name is kept as the label
        branch = text(raw, "head", "label")
    source, target = (number(raw, f"{side}_repo", "id") for side in ("head", "base"))
    if event.pull_request and event.pull_request.fork is None and source is not None and target is not None:
        event = replace(event, pull_request=replace(event.pull_request, fork=source != target))
    return replace(
        event,
        branch=branch or text(raw, "head_branch"),
        base_branch=event.base_branch or text(raw, "base_branch"),
    )


def _read_comment(event: Event) -> Event:
    payload = event.payload
    is_pull = flag(payload, "is_pull") or isinstance(look(payload, "issue", "pull_request"), dict)
    return replace(
        event,
        kind="comment",
        action=_action(event, _COMMENT_ACTIONS),
        comment=text(payload, "comment", "body"),
        pull_request=read_pull_request(payload.get("issue")) if is_pull else None,
    )


def _read_ref(event: Event) -> Event:
    """Read `create` and `delete`. They stay `other`, because a push says the same and comes as well."""
    ref, kind = text(event.payload, "ref"), text(event.payload, "ref_type")
    prefix = {"branch": "refs/heads/", "tag": "refs/tags/"}.get(kind or "")
    full = f"{prefix}{ref.removeprefix(prefix)}" if prefix and ref else None
    return replace(
        event,
        action="created" if event.type == "create" else "deleted",
        ref=full,
        branch=branch_of(full),
        tag=tag_of(full),
        head_sha=sha(event.payload, "sha"),
    )


def _with_status_target(event: Event) -> Event:
    """Add where statuses go: not to tags, whose SHA may be the tag's own."""
    name = event.repository.full_name if event.repository else None
    if name is None or event.head_sha is None or event.kind == "tag":
        return event
    urls = (text(event.payload, "repository", key) for key in ("html_url", "clone_url"))
    origin = next((found for url in urls if (found := find_origin(url))), None)
    return replace(event, status_target=StatusTarget(repository=name, sha=event.head_sha, origin=origin))
