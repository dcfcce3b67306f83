# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""GitLab: gitlab.com and self-managed.

Events: https://docs.gitlab.com/user/project/integrations/webhook_events/
Tokens: https://docs.gitlab.com/user/project/integrations/webhooks/
Statuses: https://docs.gitlab.com/api/commits/#set-commit-pipeline-status
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Final
from urllib.parse import quote

from playhook.domain.delivery import Delivery, WebhookOptions
from playhook.domain.event import Action, Event, PullRequest, Repository, StatusTarget, replace
from playhook.domain.status import CommitStatus, OutgoingRequest, PostedStatus, StatusCredential
from playhook.errors import Malformed, NotAuthentic
from playhook.services import samples
from playhook.services.authenticity import equals_one_of, find_word, get_word, header_bytes
from playhook.services.json_body import decode_body
from playhook.services.payload import (
    branch_of,
    changed_paths,
    flag,
    identifier,
    look,
    number,
    ref_name,
    sha,
    tag_of,
    text,
    texts,
)
from playhook.services.posting import clean_text, find_origin, get_api_base, get_sha
from playhook.services.signatures import check_standard, sign_standard

_INSTANCE: Final = "https://gitlab.com"
_API_PATH: Final = "/api/v4"
_PROJECT: Final = re.compile(r"[0-9]{1,20}|(?:(?!\.\.?/)[A-Za-z0-9_.+-]{1,255}/){1,20}(?!\.\.?$)[A-Za-z0-9_.+-]{1,255}")
_TEXT_LENGTH: Final = 255  # of a status's description, context and target URL
_MAX_COMMITS: Final = 20  # of a push that a payload lists

# A signing token is `whsec_` and the base64 of 32 bytes; its signatures follow https://www.standardwebhooks.com.
_SIGNING_PREFIX: Final = "whsec_"
_KEY_BYTES: Final = 32

_STATES: Final[Mapping[PostedStatus, str]] = {
    "pending": "pending",
    "running": "running",
    "successful": "success",
    "failed": "failed",
    "error": "failed",
    "canceled": "canceled",
}

# Where AWX finds `awx_webhook_event_ref`; it posts statuses for these events only.
_REFS: Final[Mapping[str, tuple[str, ...]]] = {
    "Push Hook": ("checkout_sha",),
    "Tag Push Hook": ("checkout_sha",),
    "Merge Request Hook": ("object_attributes", "last_commit", "id"),
}

_ACTIONS: Final[Mapping[str, Action]] = {
    "open": "opened",
    "close": "closed",
    "reopen": "reopened",
    "update": "edited",
    "merge": "merged",
    "create": "created",
    "delete": "deleted",
}
# `approved` and `unapproved` are sent when the last needed approval comes or goes, the other two for each other one.
_REVIEW_ACTIONS: Final[Mapping[str, Action]] = {
    "approved": "approved",
    "approval": "approved",
    "unapproved": "dismissed",
    "unapproval": "dismissed",
}
_COMMENT_ACTIONS: Final[Mapping[str, Action]] = {"create": "commented", "update": "edited"}
_RELEASE_ACTIONS: Final[Mapping[str, Action]] = {"create": "published", "update": "edited", "delete": "deleted"}


class GitLab:
    """The service `gitlab`."""

    name: ClassVar[str] = "gitlab"
    label: ClassVar[str] = "GitLab"
    credential_type: ClassVar[str | None] = "gitlab_token"
    sample_types: ClassVar[Sequence[str]] = ("Push Hook", "Merge Request Hook", "Tag Push Hook", "Note Hook")

    def verify(self, delivery: Delivery, keys: Sequence[str], options: WebhookOptions) -> None:
        """Check the signature where the template has signing tokens (`whsec_…`) and one is sent, else `X-Gitlab-Token`.

        A signing token is never accepted as the value of `X-Gitlab-Token`.
        """
        signing = [key for key in keys if key.startswith(_SIGNING_PREFIX)]
        if signing and "webhook-signature" in delivery.headers:
            usable = [key for key in map(_signing_key, signing) if key]
            check_standard(delivery, usable, options.now, what="signing token")
        else:
            _verify_token(delivery, [key for key in keys if key and key not in signing])

    def parse(self, delivery: Delivery) -> Event:
        """Read the event; `X-Gitlab-Event` says what it is. GitLab's Test button sends a push like any other."""
        event_type = get_word(delivery, "x-gitlab-event")
        guid = _find_guid(delivery)
        payload = decode_body(delivery)
        event = Event(
            service=self.name,
            type=event_type,
            guid=guid,
            payload=payload,
            repository=_repository(payload),
            # A display name (`user_name`) is not an account: anybody may call himself anything.
            sender=text(payload, "user", "username") or text(payload, "user_username"),
            awx_ref=ref_name(payload, *_REFS[event_type]) if event_type in _REFS else None,
        )
        return _with_status_target(_READERS.get(_kind_of(event), _read_other)(event))

    def status_request(
        self, target: StatusTarget, status: CommitStatus, credential: StatusCredential
    ) -> OutgoingRequest | None:
        """Build `POST /api/v4/projects/{id}/statuses/{sha}`; the credential's api_url is the instance, or its API."""
        root = get_api_base(target, credential, _INSTANCE).removesuffix(_API_PATH)
        if not _PROJECT.fullmatch(target.repository):
            raise Malformed("The event's project is neither an id nor a path, so no status can be posted to it.")
        base = root + _API_PATH
        return OutgoingRequest(
            method="POST",
            url=f"{base}/projects/{quote(target.repository, safe='')}/statuses/{get_sha(target)}",
            api_base=base,
            headers={"PRIVATE-TOKEN": credential.token, "Accept": "application/json", "User-Agent": "playhook"},
            json=_status_body(status),
        )

    def sample(self, event_type: str) -> Mapping[str, Any]:
        """Return a small payload."""
        return _SAMPLES[event_type] | {"project": _SAMPLE_PROJECT, "user_username": samples.ACCOUNT}

    def sign(self, body: bytes, *, event_type: str, guid: str, key: str, now: datetime) -> Mapping[str, str]:
        """Return GitLab's headers: signed with a signing token, else with the key as secret token."""
        headers = {"X-Gitlab-Event": event_type, "X-Gitlab-Event-UUID": guid, "Idempotency-Key": guid}
        signing = _signing_key(key) if key.startswith(_SIGNING_PREFIX) else None
        return {**headers, **(sign_standard(signing, guid, now, body) if signing else {"X-Gitlab-Token": key})}


def _status_body(status: CommitStatus) -> dict[str, str]:
    body = {
        "state": _STATES[status.status],
        "context": clean_text(status.context, _TEXT_LENGTH),
        "description": clean_text(status.description, _TEXT_LENGTH),
    }
    # GitLab refuses a longer link; a cut one would lead nowhere.
    return body | ({"target_url": status.target_url} if len(status.target_url) <= _TEXT_LENGTH else {})


def _verify_token(delivery: Delivery, keys: Sequence[str]) -> None:
    given = delivery.headers.get("x-gitlab-token")
    matches = equals_one_of(header_bytes(given or ""), [key.encode() for key in keys or ["no key"]])
    if not matches or not keys:
        raise NotAuthentic(
            "There is no webhook key to check the token with."
            if not keys
            else "The delivery has no X-Gitlab-Token."
            if given is None
            else "X-Gitlab-Token is not the webhook key."
        )


def _signing_key(token: str) -> bytes | None:
    """Return the bytes of a signing token; None for one that no GitLab can have made, with which nothing is signed."""
    try:
        key = base64.b64decode(token.removeprefix(_SIGNING_PREFIX), validate=True)
    except ValueError:
        return None
    return key if len(key) == _KEY_BYTES else None


def _find_guid(delivery: Delivery) -> str | None:
    """Return the delivery's id, the same in each retry. `webhook-id` comes first because it is signed.

    `X-Gitlab-Event-UUID` is last: GitLab sends one value for all hooks that an earlier webhook's receiver sets off.
    """
    found = [find_word(delivery, name) for name in ("webhook-id", "idempotency-key", "x-gitlab-event-uuid")]
    return next((guid for guid in found if guid), None)


def _kind_of(event: Event) -> str:
    """Return the header's event type; a `System Hook` says only in its body what it is about."""
    if event.type != "System Hook":
        return event.type
    kind = text(event.payload, "object_kind") or text(event.payload, "event_name") or ""
    return {"push": "Push Hook", "tag_push": "Tag Push Hook", "merge_request": "Merge Request Hook"}.get(kind, "")


def _with_status_target(event: Event) -> Event:
    """Add where AWX posts the status: `project.web_url` says the instance, and a deleted ref has no commit."""
    commit = sha(event.payload, *_REFS[event.type]) if event.type in _REFS else None
    project = identifier(event.payload, "project", "id") or identifier(event.payload, "project_id")
    if commit is None or project is None:
        return event
    origin = find_origin(text(event.payload, "project", "web_url"))
    return replace(
        event,
        awx_status_api=f"{origin}{_API_PATH}/projects/{project}/statuses/{commit}" if origin else None,
        status_target=StatusTarget(repository=project, sha=commit, origin=origin),
    )


def _repository(payload: dict[str, Any]) -> Repository | None:
    project = payload.get("project")
    if not isinstance(project, dict):
        return None
    return Repository(
        id=identifier(project, "id") or identifier(payload, "project_id"),
        full_name=text(project, "path_with_namespace"),
        clone_url=text(project, "git_http_url"),
    )


def _action(event: Event, actions: Mapping[str, Action]) -> Action | None:
    return actions.get(text(event.payload, "object_attributes", "action") or "")


def _read_push(event: Event) -> Event:
    payload = event.payload
    ref, head, before = text(payload, "ref"), sha(payload, "after"), sha(payload, "before")
    commits, total = payload.get("commits"), number(payload, "total_commits_count") or 0
    tag = tag_of(ref)
    complete = isinstance(commits, list) and (len(commits) < _MAX_COMMITS or total <= len(commits))
    return replace(
        event,
        kind="tag" if tag else "push",
        action="deleted" if head is None else "created" if before is None else "updated",
        ref=ref,
        branch=branch_of(ref),
        tag=tag,
        # `after` is the tag itself where the tag is annotated; `checkout_sha` is always the commit.
        head_sha=sha(payload, "checkout_sha") or head,
        before_sha=before,
        changed_paths=changed_paths(commits) if complete and not tag and head else None,
    )


def _read_merge_request(event: Event) -> Event:
    raw = event.payload.get("object_attributes")
    event = _with_merge_request(event, raw)
    review = _action(event, _REVIEW_ACTIONS)
    if review:
        return replace(event, kind="review", action=review)
    action = _action(event, _ACTIONS)
    if action == "edited":
        action = _update_of(raw, event.payload.get("changes"))
    return replace(event, kind="pull_request", action=action, before_sha=sha(raw, "oldrev"))


def _update_of(raw: Any, changes: Any) -> Action:
    """Say what an `update` was. `oldrev` is there only when commits were pushed, which outweighs all else."""
    if text(raw, "oldrev"):
        return "updated"
    if isinstance(look(changes, "labels"), dict):
        return "labeled" if _grew(changes, "labels", key="title") else "unlabeled"
    if isinstance(look(changes, "assignees"), dict):
        return "assigned" if _grew(changes, "assignees", key="username") else "unassigned"
    if isinstance(look(changes, "reviewers"), dict) and _grew(changes, "reviewers", key="username"):
        return "review_requested"
    draft = flag(changes, "draft", "current")
    if draft is not None:
        return "converted_to_draft" if draft else "ready_for_review"
    return "edited"


def _grew(changes: Any, what: str, *, key: str) -> bool:
    current, previous = texts(changes, what, "current", key=key), texts(changes, what, "previous", key=key)
    return bool(set(current or ()) - set(previous or ()))


def _read_note(event: Event) -> Event:
    payload = event.payload
    action = _action(event, _COMMENT_ACTIONS)
    if look(payload, "object_attributes", "action") is None:  # GitLab before 16.11 told of new comments only
        action = "commented"
    event = replace(event, kind="comment", action=action, comment=text(payload, "object_attributes", "note"))
    if isinstance(payload.get("merge_request"), dict):
        return _with_merge_request(event, payload["merge_request"])
    return replace(event, head_sha=sha(payload, "commit", "id"))


def _read_release(event: Event) -> Event:
    payload = event.payload
    return replace(
        event,
        kind="release",
        action=_RELEASE_ACTIONS.get(text(payload, "action") or ""),
        tag=text(payload, "tag"),
        head_sha=sha(payload, "commit", "id"),
    )


def _read_pipeline(event: Event) -> Event:
    """Read `Pipeline Hook` and `Job Hook`, which say the same of their commit in different places."""
    payload = event.payload
    raw = payload if event.type == "Job Hook" else payload.get("object_attributes")
    if isinstance(payload.get("merge_request"), dict):
        event = _with_merge_request(event, payload["merge_request"])
    ref, is_tag = text(raw, "ref"), flag(raw, "tag")
    return replace(
        event,
        branch=event.branch or (ref if is_tag is False else None),
        tag=ref if is_tag else None,
        head_sha=sha(raw, "sha"),
        before_sha=sha(raw, "before_sha"),
    )


def _read_other(event: Event) -> Event:
    return replace(event, action=_action(event, _ACTIONS))


def _with_merge_request(event: Event, raw: Any) -> Event:
    if not isinstance(raw, dict):
        return event
    return replace(
        event,
        branch=text(raw, "source_branch"),
        base_branch=text(raw, "target_branch"),
        head_sha=sha(raw, "last_commit", "id"),
        pull_request=PullRequest(
            number=number(raw, "iid"),
            title=text(raw, "title"),
            author=_author(event, raw),
            draft=flag(raw, "draft" if "draft" in raw else "work_in_progress"),
            labels=texts(raw if "labels" in raw else event.payload, "labels", key="title"),
            fork=_is_fork(raw),
            url=text(raw, "url"),
        ),
    )


def _author(event: Event, raw: dict[str, Any]) -> str | None:
    """Return the account of the author, who is told by id only: the name is known when the sender is the author."""
    author, sender = number(raw, "author_id"), number(event.payload, "user", "id")
    return event.sender if author is not None and author == sender else None


def _is_fork(raw: dict[str, Any]) -> bool | None:
    source, target = number(raw, "source_project_id"), number(raw, "target_project_id")
    return None if source is None or target is None else source != target


_READERS: Final[Mapping[str, Callable[[Event], Event]]] = {
    "Push Hook": _read_push,
    "Tag Push Hook": _read_push,
    "Merge Request Hook": _read_merge_request,
    "Note Hook": _read_note,
    "Confidential Note Hook": _read_note,
    "Release Hook": _read_release,
    "Pipeline Hook": _read_pipeline,
    "Job Hook": _read_pipeline,
}


_SAMPLE_PROJECT: Final = {
    "id": 1,
    "path_with_namespace": samples.FULL_NAME,
    "web_url": f"{_INSTANCE}/{samples.FULL_NAME}",
    "git_http_url": f"{_INSTANCE}/{samples.FULL_NAME}.git",
}
_SAMPLE_USER: Final = {"id": 5, "username": samples.ACCOUNT}
_SAMPLE_REQUEST: Final = {
    "iid": samples.NUMBER, "title": samples.TITLE, "author_id": 5, "draft": False, "source_branch": samples.BRANCH,
    "target_branch": "main", "source_project_id": 1, "target_project_id": 1, "last_commit": {"id": samples.HEAD},
}  # fmt: skip
_SAMPLES: Final[Mapping[str, dict[str, Any]]] = {
    "Push Hook": {"ref": "refs/heads/main", "before": samples.BEFORE, "after": samples.HEAD,
                  "checkout_sha": samples.HEAD, "total_commits_count": 1, "commits": [samples.COMMIT]},
    "Tag Push Hook": {"ref": f"refs/tags/{samples.TAG}", "before": samples.ZEROS, "after": samples.HEAD,
                      "checkout_sha": samples.HEAD, "total_commits_count": 0, "commits": []},
    "Merge Request Hook": {"user": _SAMPLE_USER, "object_attributes": {**_SAMPLE_REQUEST, "action": "open"},
                           "labels": [], "changes": {}},
    "Note Hook": {"user": _SAMPLE_USER, "object_attributes": {"note": samples.COMMENT, "action": "create"},
                  "merge_request": _SAMPLE_REQUEST},
}  # fmt: skip
