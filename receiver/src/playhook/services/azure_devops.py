# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Azure DevOps: Services and Server, by service hooks.

Events: https://learn.microsoft.com/azure/devops/service-hooks/events
Authentication: https://learn.microsoft.com/azure/devops/service-hooks/services/webhooks
Statuses: https://learn.microsoft.com/rest/api/azure/devops/git/statuses/create
"""

from __future__ import annotations

import base64
import re
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Final

from playhook.domain.delivery import Delivery, WebhookOptions
from playhook.domain.event import Action, Event, PullRequest, Repository, StatusTarget, replace
from playhook.domain.status import CommitStatus, OutgoingRequest, PostedStatus, StatusCredential
from playhook.errors import Malformed, NotAuthentic
from playhook.services import samples
from playhook.services.authenticity import as_word, equals_one_of, header_bytes
from playhook.services.json_body import decode_body
from playhook.services.payload import branch_of, flag, is_zeros, look, number, ref_name, sha, tag_of, text, texts
from playhook.services.posting import clean_text, find_origin, get_api_base, get_sha

_GUID: Final = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_REPOSITORY: Final = re.compile(f"{_GUID}/{_GUID}")  # of the project and the repository
_NO_GUID: Final = "00000000-0000-0000-0000-000000000000"
_API_VERSION: Final = "7.1"
_GENRE: Final = "playhook"
_TEXT_LENGTH: Final = 255  # of a status's description and name

_COMMENT: Final = "ms.vss-code.git-pullrequest-comment-event"
_SOURCE_UPDATED: Final = "updated the source branch of"

# There is no state for a running check; `pending` stays.
_STATES: Final[Mapping[PostedStatus, str]] = {
    "pending": "pending",
    "successful": "succeeded",
    "failed": "failed",
    "error": "error",
    "canceled": "failed",
}

_REFS: Final[Mapping[str, tuple[str | int, ...]]] = {
    "git.push": ("resource", "refUpdates", 0, "newObjectId"),
    "git.pullrequest.created": ("resource", "lastMergeSourceCommit", "commitId"),
    "git.pullrequest.updated": ("resource", "lastMergeSourceCommit", "commitId"),
    "git.pullrequest.merged": ("resource", "lastMergeSourceCommit", "commitId"),
}
_ENDS: Final[Mapping[str, Action]] = {"completed": "merged", "abandoned": "closed"}


class AzureDevOps:
    """The service `azure_devops`."""

    name: ClassVar[str] = "azure_devops"
    label: ClassVar[str] = "Azure DevOps"
    credential_type: ClassVar[str | None] = "azure_devops_token"
    sample_types: ClassVar[Sequence[str]] = ("git.push", "git.pullrequest.created", "tag", _COMMENT)

    def verify(self, delivery: Delivery, keys: Sequence[str], options: WebhookOptions) -> None:
        """Check the password of basic authentication, which is the key; the user name may be any. Nothing is signed."""
        given, usable = delivery.headers.get("authorization"), [key for key in keys if key]
        password = _password(given or "")
        if not equals_one_of(password or b"", [key.encode() for key in usable or ["no key"]]) or not usable:
            raise NotAuthentic(
                "There is no webhook key to check the password with."
                if not usable
                else "The delivery has no basic authentication: enter the webhook key as the service hook's password."
                if password is None
                else "The password is not the webhook key."
            )

    def parse(self, delivery: Delivery) -> Event:
        """Read the event; its type and guid stand in the payload. A push of several refs is told by its first."""
        payload = decode_body(delivery)
        # The documentation shows the newest events with an eventId.
        event_type = as_word(payload.get("eventType", payload.get("eventId")), "The payload's eventType")
        if event_type is None:
            raise Malformed("The payload has no eventType.")
        guid = as_word(look(payload, "id"), "The payload's id")
        event = Event(
            service=self.name,
            type=event_type,
            guid=None if guid == _NO_GUID else guid,
            payload=payload,
            repository=_repository(_raw_repository(payload)),
            awx_ref=ref_name(payload, *_REFS[event_type]) if event_type in _REFS else None,
        )
        return _with_status_target(_read(event))

    def status_request(
        self, target: StatusTarget, status: CommitStatus, credential: StatusCredential
    ) -> OutgoingRequest | None:
        """Build `POST {project}/_apis/git/repositories/{id}/commits/{sha}/statuses`; there is none for `running`.

        The credential's api_url is that of the organization or collection, as in https://dev.azure.com/example.
        """
        if status.status not in _STATES:
            return None
        base = get_api_base(target, credential, None)
        if not _REPOSITORY.fullmatch(target.repository):
            raise Malformed("The event's project and repository are not told by their ids, so no status can be posted.")
        project, repository = target.repository.split("/")
        path = f"{project}/_apis/git/repositories/{repository}/commits/{get_sha(target)}/statuses"
        return OutgoingRequest(
            method="POST",
            url=f"{base}/{path}?api-version={_API_VERSION}",
            api_base=base,
            headers={
                # A personal access token is a password without a user.
                "Authorization": "Basic " + base64.b64encode(f":{credential.token}".encode()).decode(),
                "Accept": "application/json",
                "User-Agent": "playhook",
            },
            json={
                "state": _STATES[status.status],
                "description": clean_text(status.description, _TEXT_LENGTH),
                "context": {"name": clean_text(status.context, _TEXT_LENGTH), "genre": _GENRE},
                "targetUrl": status.target_url,
            },
        )

    def sample(self, event_type: str) -> Mapping[str, Any]:
        """Return a small payload with an id of its own, which is the guid; `tag` is a push of a tag."""
        kind = "git.push" if event_type == "tag" else event_type
        resource = _SAMPLES[event_type]
        return {"id": str(uuid.uuid4()), "eventType": kind, "publisherId": "tfs", "resource": resource}

    def sign(self, body: bytes, *, event_type: str, guid: str, key: str, now: datetime) -> Mapping[str, str]:
        """Return the header with the key as password."""
        return {"Authorization": "Basic " + base64.b64encode(f"playhook:{key}".encode()).decode()}


def _password(header: str) -> bytes | None:
    """Return the password of a basic authentication, None when it is none."""
    scheme, _space, value = header.strip().partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        decoded = base64.b64decode(header_bytes(value.strip()), validate=True)
    except ValueError:
        return None
    return decoded.partition(b":")[2] if b":" in decoded else None


def _raw_repository(payload: dict[str, Any]) -> Any:
    for path in (("resource", "repository"), ("resource", "pullRequest", "repository")):
        found = look(payload, *path)
        if isinstance(found, dict):
            return found
    return None


def _repository(raw: Any) -> Repository | None:
    if not isinstance(raw, dict):
        return None
    project, name = text(raw, "project", "name"), text(raw, "name")
    return Repository(
        id=text(raw, "id"),
        full_name=f"{project}/{name}" if project and name else None,
        clone_url=text(raw, "remoteUrl"),
    )


def _account(raw: Any) -> str | None:
    """Return the sign-in name; a display name is not an account's own."""
    return text(raw, "uniqueName")


def _read(event: Event) -> Event:
    if event.type == "git.push":
        return _read_push(event)
    if event.type in _REFS:
        return _read_pull_request(event)
    return _read_comment(event) if event.type == _COMMENT else event


def _read_push(event: Event) -> Event:
    update = look(event.payload, "resource", "refUpdates", 0)
    ref, before, after = text(update, "name"), text(update, "oldObjectId"), text(update, "newObjectId")
    tag = tag_of(ref)
    action: Action = "deleted" if is_zeros(after) else "created" if is_zeros(before) else "updated"
    return replace(
        event,
        kind="tag" if tag else "push",
        action=action if isinstance(update, dict) else None,
        ref=ref,
        branch=branch_of(ref),
        tag=tag,
        head_sha=sha(update, "newObjectId"),
        before_sha=sha(update, "oldObjectId"),
        sender=_account(look(event.payload, "resource", "pushedBy")),
    )


def _read_pull_request(event: Event) -> Event:
    raw = event.payload.get("resource")
    event = _with_pull_request(event, raw)
    if event.type == "git.pullrequest.created":
        author = event.pull_request.author if event.pull_request else None
        return replace(event, kind="pull_request", action="opened", sender=author)
    action = _ENDS.get(text(raw, "status") or "")
    if action is None and event.type == "git.pullrequest.updated":
        # Votes, reviewers and new commits come as the same event; only the sentence for people tells them apart.
        said = text(event.payload, "message", "text")
        action = "updated" if said is None or _SOURCE_UPDATED in said else "edited"
    return replace(event, kind="pull_request", action=action)


def _read_comment(event: Event) -> Event:
    comment, raw = (look(event.payload, "resource", name) for name in ("comment", "pullRequest"))
    published, changed = text(comment, "publishedDate"), text(comment, "lastContentUpdatedDate")
    action: Action = "deleted" if flag(comment, "isDeleted") else "edited" if published != changed else "commented"
    return replace(
        _with_pull_request(event, raw),
        kind="comment",
        action=action,
        comment=text(comment, "content"),
        sender=_account(look(comment, "author")),
    )


def _with_pull_request(event: Event, raw: Any) -> Event:
    if not isinstance(raw, dict):
        return event
    return replace(
        event,
        branch=branch_of(text(raw, "sourceRefName")),
        base_branch=branch_of(text(raw, "targetRefName")),
        head_sha=sha(raw, "lastMergeSourceCommit", "commitId"),
        pull_request=PullRequest(
            number=number(raw, "pullRequestId"),
            title=text(raw, "title"),
            author=_account(raw.get("createdBy")),
            draft=flag(raw, "isDraft"),
            labels=texts(raw, "labels", key="name"),
            # Only a fork's pull request says where it comes from. With fewer details sent, nothing is said.
            fork=isinstance(raw.get("forkSource"), dict) if "sourceRefName" in raw else None,
            url=text(raw, "_links", "web", "href"),
        ),
    )


def _with_status_target(event: Event) -> Event:
    """Add where statuses go: not to tags, whose SHA may be the tag's own."""
    raw = _raw_repository(event.payload)
    project, repository = text(raw, "project", "id"), text(raw, "id")
    if event.type not in _REFS or event.kind == "tag" or not (project and repository and event.head_sha):
        return event
    origin = find_origin(text(raw, "url"))
    return replace(
        event, status_target=StatusTarget(repository=f"{project}/{repository}", sha=event.head_sha, origin=origin)
    )


_SAMPLE_USER: Final = {"displayName": "Ada", "uniqueName": f"{samples.ACCOUNT}@example.com"}
_SAMPLE_REPOSITORY: Final = {
    "id": "11111111-1111-4111-8111-111111111111", "name": samples.NAME,
    "url": "https://dev.azure.com/example/_apis/git/repositories/11111111-1111-4111-8111-111111111111",
    "project": {"id": "22222222-2222-4222-8222-222222222222", "name": samples.OWNER},
}  # fmt: skip
_SAMPLE_REQUEST: Final = {
    "repository": _SAMPLE_REPOSITORY, "pullRequestId": samples.NUMBER, "status": "active", "isDraft": False,
    "title": samples.TITLE, "createdBy": _SAMPLE_USER, "sourceRefName": f"refs/heads/{samples.BRANCH}",
    "targetRefName": "refs/heads/main", "lastMergeSourceCommit": {"commitId": samples.HEAD},
}  # fmt: skip
_SAMPLES: Final[Mapping[str, dict[str, Any]]] = {
    "git.push": {"repository": _SAMPLE_REPOSITORY, "pushedBy": _SAMPLE_USER, "refUpdates": [
        {"name": "refs/heads/main", "oldObjectId": samples.BEFORE, "newObjectId": samples.HEAD}]},
    "tag": {"repository": _SAMPLE_REPOSITORY, "pushedBy": _SAMPLE_USER, "refUpdates": [
        {"name": f"refs/tags/{samples.TAG}", "oldObjectId": samples.ZEROS, "newObjectId": samples.HEAD}]},
    "git.pullrequest.created": _SAMPLE_REQUEST,
    _COMMENT: {"pullRequest": _SAMPLE_REQUEST,
               "comment": {"id": 8, "content": samples.COMMENT, "author": _SAMPLE_USER}},
}  # fmt: skip
