# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bitbucket Data Center, and Bitbucket Server before it.

Events: https://confluence.atlassian.com/bitbucketserver/event-payload-938025882.html
Signatures: https://confluence.atlassian.com/bitbucketserver/manage-webhooks-938025878.html
Statuses: https://developer.atlassian.com/server/bitbucket/rest/v803/api-group-build-status
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Final

from playhook.domain.delivery import Delivery, WebhookOptions
from playhook.domain.event import Action, Event, PullRequest, Repository, StatusTarget, replace
from playhook.domain.status import CommitStatus, OutgoingRequest, PostedStatus, StatusCredential
from playhook.errors import UnsignedPing
from playhook.services import samples
from playhook.services.authenticity import find_word, get_word
from playhook.services.json_body import decode_body
from playhook.services.payload import branch_of, flag, identifier, look, number, ref_name, sha, tag_of, text
from playhook.services.posting import clean_text, find_origin, get_api_base, get_sha
from playhook.services.signatures import SHA1_ONLY, UNSIGNED, Scheme

_PING: Final = "diagnostics:ping"
_SHA256: Final = Scheme(prefix="sha256=")
_SHA1: Final = Scheme(algorithm="sha1", prefix="sha1=")
_TEXT_LENGTH: Final = 255  # of a status's key, name and description

# Bitbucket has no state for a check that waits; INPROGRESS stays while the job runs.
_STATES: Final[Mapping[PostedStatus, str]] = {
    "pending": "INPROGRESS",
    "successful": "SUCCESSFUL",
    "failed": "FAILED",
    "error": "FAILED",
    "canceled": "FAILED",
}

# Where AWX finds `awx_webhook_event_ref`, the target branch for pull requests; it posts statuses for these only.
_PUSH_REF: Final = ("changes", 0, "toHash")
_REQUEST_REF: Final = ("pullRequest", "toRef", "latestCommit")
_REFS: Final[Mapping[str, tuple[str | int, ...]]] = {
    "repo:refs_changed": _PUSH_REF,
    "mirror:repo_synchronized": _PUSH_REF,
    "pr:opened": _REQUEST_REF,
    "pr:from_ref_updated": _REQUEST_REF,
    "pr:modified": _REQUEST_REF,
}

_REQUEST_ACTIONS: Final[Mapping[str, Action]] = {
    "pr:opened": "opened",
    "pr:from_ref_updated": "updated",
    "pr:to_ref_updated": "edited",
    "pr:modified": "edited",
    "pr:reviewer:updated": "edited",
    "pr:merged": "merged",
    "pr:declined": "closed",
    "pr:deleted": "deleted",
}
_REVIEW_ACTIONS: Final[Mapping[str, Action]] = {
    "pr:reviewer:approved": "approved",
    "pr:reviewer:unapproved": "dismissed",
    "pr:reviewer:needs_work": "changes_requested",
}
_COMMENT_ACTIONS: Final[Mapping[str, Action]] = {"added": "commented", "edited": "edited", "deleted": "deleted"}
_PUSH_ACTIONS: Final[Mapping[str, Action]] = {"ADD": "created", "UPDATE": "updated", "DELETE": "deleted"}


class BitbucketDataCenter:
    """The service `bitbucket_dc`."""

    name: ClassVar[str] = "bitbucket_dc"
    label: ClassVar[str] = "Bitbucket Data Center"
    credential_type: ClassVar[str | None] = "bitbucket_dc_token"
    sample_types: ClassVar[Sequence[str]] = ("repo:refs_changed", "pr:opened", "tag", "pr:comment:added", _PING)

    def verify(self, delivery: Delivery, keys: Sequence[str], options: WebhookOptions) -> None:
        """Check `X-Hub-Signature`; SHA-1 counts only where the template allows it.

        "Test connection" sends a ping without a signature, whatever the webhook's secret is. Raises UnsignedPing then.
        """
        given = delivery.headers.get("x-hub-signature")
        if given is None and delivery.headers.get("x-event-key") == _PING:
            raise UnsignedPing("Bitbucket does not sign its pings, so this one proves nothing.")
        sha1 = given is not None and given.startswith(_SHA1.prefix)
        if sha1 and options.allow_sha1:
            return _SHA1.check(given, delivery.body, keys)
        return _SHA256.check(None if sha1 else given, delivery.body, keys, unsigned=SHA1_ONLY if sha1 else UNSIGNED)

    def parse(self, delivery: Delivery) -> Event:
        """Read the event; `X-Event-Key` says what it is. A push of several refs at once is told by its first."""
        event_type = get_word(delivery, "x-event-key")
        guid = find_word(delivery, "x-request-id")
        payload = decode_body(delivery)
        event = Event(
            service=self.name,
            type=event_type,
            guid=guid,
            payload=payload,
            repository=_repository(_raw_repository(payload, event_type)),
            sender=text(payload, "actor", "name"),
            awx_ref=ref_name(payload, *_REFS[event_type]) if event_type in _REFS else None,
        )
        return _with_status_target(_reader(event_type)(event))

    def status_request(
        self, target: StatusTarget, status: CommitStatus, credential: StatusCredential
    ) -> OutgoingRequest | None:
        """Build `POST /rest/build-status/1.0/commits/{sha}`, as AWX does; there is none for `running`.

        The credential's api_url is the instance. The newer address, below a repository, would have to be the source
        repository's for a pull request from a fork, where the token may not reach.
        """
        if status.status not in _STATES:
            return None
        base = get_api_base(target, credential, None).removesuffix("/rest") + "/rest/build-status/1.0"
        return OutgoingRequest(
            method="POST",
            url=f"{base}/commits/{get_sha(target)}",
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
        return {"eventKey": _event_key(event_type), "actor": _SAMPLE_USER, **_SAMPLES[event_type]}

    def sign(self, body: bytes, *, event_type: str, guid: str, key: str, now: datetime) -> Mapping[str, str]:
        """Return Bitbucket's headers; a ping is not signed."""
        headers = {"X-Event-Key": _event_key(event_type), "X-Request-Id": guid}
        return headers if event_type == _PING else {**headers, "X-Hub-Signature": _SHA256.write(key, body)}


def _event_key(event_type: str) -> str:
    return "repo:refs_changed" if event_type == "tag" else event_type


def _status_body(status: CommitStatus) -> dict[str, str]:
    name = clean_text(status.context, _TEXT_LENGTH)
    return {
        "key": name,
        "name": name,
        "state": _STATES[status.status],
        "description": clean_text(status.description, _TEXT_LENGTH),
        "url": status.target_url,
    }


def _raw_repository(payload: dict[str, Any], event_type: str) -> Any:
    """Return the repository of the webhook: where a pull request goes to, what was forked, a renamed one's new form."""
    forked = ("repository", "origin") if event_type == "repo:forked" else ("repository",)
    found = (look(payload, *path) for path in (("pullRequest", "toRef", "repository"), forked, ("new",)))
    return next((raw for raw in found if isinstance(raw, dict) and "slug" in raw), None)  # `new` may be a project


def _repository(raw: Any) -> Repository | None:
    if not isinstance(raw, dict):
        return None
    project, slug = text(raw, "project", "key"), text(raw, "slug")
    links = look(raw, "links", "clone")
    clones = [text(each, "href") for each in links if text(each, "name") == "http"] if isinstance(links, list) else []
    return Repository(
        id=identifier(raw, "id"),
        full_name=f"{project}/{slug}" if project and slug else None,
        clone_url=clones[0] if clones else None,
    )


def _reader(event_type: str) -> Callable[[Event], Event]:
    if event_type in {"repo:refs_changed", "mirror:repo_synchronized"}:
        return _read_push
    if event_type in _REQUEST_ACTIONS:
        return _read_pull_request
    if event_type in _REVIEW_ACTIONS:
        return _read_review
    if event_type.startswith(("pr:comment:", "repo:comment:")):
        return _read_comment
    return _read_other


def _read_push(event: Event) -> Event:
    change = look(event.payload, "changes", 0)
    ref = text(change, "ref", "id") or text(change, "refId")
    tag = tag_of(ref)
    return replace(
        event,
        kind="tag" if tag else "push",
        action=_PUSH_ACTIONS.get(text(change, "type") or ""),
        ref=ref,
        branch=branch_of(ref),
        tag=tag,
        # The hash of an annotated tag is the tag's own; newer versions tell the commit besides.
        head_sha=(sha(event.payload, "toCommit", "id") if tag else None) or sha(change, "toHash"),
        before_sha=sha(change, "fromHash"),
    )


def _read_pull_request(event: Event) -> Event:
    payload, action = event.payload, _REQUEST_ACTIONS[event.type]
    added = look(payload, "addedReviewers")
    if event.type == "pr:reviewer:updated" and isinstance(added, list) and added:
        action = "review_requested"
    event = replace(_with_pull_request(event), kind="pull_request", action=action)
    before, draft = flag(payload, "previousDraft"), event.pull_request and event.pull_request.draft
    if event.type == "pr:modified" and before is not None and draft is not None and before != draft:
        event = replace(event, action="converted_to_draft" if draft else "ready_for_review")
    return replace(event, before_sha=sha(payload, "previousFromHash"))


def _read_review(event: Event) -> Event:
    return replace(_with_pull_request(event), kind="review", action=_REVIEW_ACTIONS[event.type])


def _read_comment(event: Event) -> Event:
    payload = event.payload
    event = _with_pull_request(event) if "pullRequest" in payload else replace(event, head_sha=sha(payload, "commit"))
    action = _COMMENT_ACTIONS.get(event.type.rpartition(":")[2])
    return replace(event, kind="comment", action=action, comment=text(payload, "comment", "text"))


def _read_other(event: Event) -> Event:
    return replace(event, kind="ping") if event.type == _PING else event


def _with_pull_request(event: Event) -> Event:
    raw = event.payload.get("pullRequest")
    if not isinstance(raw, dict):
        return event
    source, target = (number(raw, side, "repository", "id") for side in ("fromRef", "toRef"))
    return replace(
        event,
        branch=branch_of(text(raw, "fromRef", "id")),
        base_branch=branch_of(text(raw, "toRef", "id")),
        head_sha=sha(raw, "fromRef", "latestCommit"),
        pull_request=PullRequest(
            number=number(raw, "id"),
            title=text(raw, "title"),
            author=text(raw, "author", "user", "name"),
            draft=flag(raw, "draft"),
            fork=None if source is None or target is None else source != target,
            url=text(raw, "links", "self", 0, "href"),
        ),
    )


def _with_status_target(event: Event) -> Event:
    """Add where statuses go: to the head commit, while AWX posts to the address of its own, wrong ref."""
    if event.type not in _REFS:
        return event
    links = (("actor", "links", "self", 0, "href"), ("repository", "links", "self", 0, "href"))
    origin = next((found for path in links if (found := find_origin(text(event.payload, *path)))), None)
    name, head = (event.repository and event.repository.full_name) or "", event.head_sha
    return replace(
        event,
        awx_status_api=f"{origin}/rest/build-status/1.0/commits/{event.awx_ref}" if origin and event.awx_ref else None,
        status_target=StatusTarget(repository=name, sha=head, origin=origin) if head else None,
    )


_SAMPLE_HOST: Final = "https://bitbucket.example.com"
_SAMPLE_USER: Final = {"id": 5, "name": samples.ACCOUNT, "links": {"self": [{"href": f"{_SAMPLE_HOST}/users/ada"}]}}
_SAMPLE_REPOSITORY: Final = {"id": 1, "slug": samples.NAME, "project": {"id": 2, "key": samples.OWNER.upper()}}
_SAMPLE_REQUEST: Final = {
    "id": samples.NUMBER, "title": samples.TITLE, "state": "OPEN", "draft": False, "author": {"user": _SAMPLE_USER},
    "fromRef": {"id": f"refs/heads/{samples.BRANCH}", "latestCommit": samples.HEAD, "repository": _SAMPLE_REPOSITORY},
    "toRef": {"id": "refs/heads/main", "latestCommit": samples.BEFORE, "repository": _SAMPLE_REPOSITORY},
}  # fmt: skip
_SAMPLES: Final[Mapping[str, dict[str, Any]]] = {
    "repo:refs_changed": {"repository": _SAMPLE_REPOSITORY, "changes": [
        {"ref": {"id": "refs/heads/main", "displayId": "main", "type": "BRANCH"}, "refId": "refs/heads/main",
         "fromHash": samples.BEFORE, "toHash": samples.HEAD, "type": "UPDATE"}]},
    "tag": {"repository": _SAMPLE_REPOSITORY, "changes": [
        {"ref": {"id": f"refs/tags/{samples.TAG}", "displayId": samples.TAG, "type": "TAG"},
         "fromHash": samples.ZEROS, "toHash": samples.HEAD, "type": "ADD"}]},
    "pr:opened": {"pullRequest": _SAMPLE_REQUEST},
    "pr:comment:added": {"pullRequest": _SAMPLE_REQUEST, "comment": {"id": 8, "text": samples.COMMENT}},
    _PING: {"test": True},
}  # fmt: skip
