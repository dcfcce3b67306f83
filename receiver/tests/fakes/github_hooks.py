# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fake GitHub's repository webhooks and the deliveries that they send.

https://docs.github.com/en/rest/repos/webhooks
"""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from tests.fakes.github_answers import invalid, json_object, refusal
from tests.fakes.github_wire import Delivered, Hook, now, signed_headers, written
from tests.fakes.http import Answer, Call, FakeServer, paged
from tests.fakes.sending import send

_EVENTS = (
    "*", "branch_protection_rule", "check_run", "check_suite", "code_scanning_alert", "commit_comment", "create",
    "delete", "dependabot_alert", "deploy_key", "deployment", "deployment_status", "discussion", "discussion_comment",
    "fork", "gollum", "issue_comment", "issues", "label", "member", "merge_group", "meta", "milestone", "package",
    "page_build", "project", "project_card", "project_column", "public", "pull_request", "pull_request_review",
    "pull_request_review_comment", "pull_request_review_thread", "push", "registry_package", "release", "repository",
    "repository_import", "repository_vulnerability_alert", "secret_scanning_alert", "star", "status", "team_add",
    "watch", "workflow_dispatch", "workflow_job", "workflow_run",
)  # fmt: skip
# What a config may hold. People quote the answer to anything else: "Invalid config attribute: content-type".
_CONFIG = ("url", "content_type", "secret", "insecure_ssl", "digest", "token", "username", "password")
_HIDDEN = "********"


class GitHubHooks(FakeServer):
    """The part of the fake that is about hooks."""

    def __init__(self, *, token: str, ca_file: str | None, keep_unknown_config: bool) -> None:
        super().__init__(token=token)
        self._ca_file = ca_file
        self._keep_unknown_config = keep_unknown_config
        self._hooks: dict[int, Hook] = {}
        self._deliveries: list[Delivered] = []
        self._last_hook_id = 900_000

    def _repository_of(self, call: Call) -> tuple[str, int]:
        raise NotImplementedError

    def payload(self, name: str, changes: Mapping[str, Any] | None = None, *, repository: str = "") -> dict[str, Any]:
        """Return a recorded payload as this GitHub would send it."""
        raise NotImplementedError

    # For tests.

    @property
    def hooks(self) -> list[Hook]:
        """Every hook, in the order of creation."""
        with self._lock:
            return list(self._hooks.values())

    @property
    def deliveries(self) -> list[Delivered]:
        """Every delivery, oldest first."""
        with self._lock:
            return list(self._deliveries)

    def shown_deliveries(self) -> Sequence[Mapping[str, Any]]:
        """Return every delivery for the control address."""
        return [one.shown() for one in self.deliveries]

    def deliver(
        self,
        event: str,
        payload: Mapping[str, Any] | bytes,
        *,
        hook_id: int | None = None,
        guid: str | None = None,
        headers: Mapping[str, str | None] | None = None,
    ) -> Delivered:
        """Send an event to the one hook that wants it (or to `hook_id`, whatever it wants), and wait for the answer.

        Bytes are sent as they are. `headers` replace GitHub's, and None removes one. LookupError when no hook or more
        than one wants the event.
        """
        wanted = [hook for hook in self.hooks if (hook.wants(event) if hook_id is None else hook.id == hook_id)]
        if len(wanted) != 1:
            raise LookupError(f"{len(wanted)} hooks want {event}; give hook_id. There are: {self.hooks}")
        return self._send(wanted[0], event, payload, guid=guid or str(uuid.uuid4()), headers=headers or {})

    def deliver_all(
        self, event: str, payload: Mapping[str, Any] | bytes, *, headers: Mapping[str, str | None] | None = None
    ) -> list[Delivered]:
        """Send an event to every hook that wants it, all with the same guid as GitHub does."""
        guid = str(uuid.uuid4())
        wanted = [hook for hook in self.hooks if hook.wants(event)]
        return [self._send(hook, event, payload, guid=guid, headers=headers or {}) for hook in wanted]

    # Sending.

    def _send(
        self,
        hook: Hook,
        event: str,
        payload: Mapping[str, Any] | bytes,
        *,
        guid: str,
        headers: Mapping[str, str | None],
        redelivery: bool = False,
    ) -> Delivered:
        body = written(hook, payload)
        every = {**signed_headers(hook, event, guid, body), **headers}
        sent = {name: value for name, value in every.items() if value is not None}
        verify: bool | str = hook.config["insecure_ssl"] != "1" and (self._ca_file or True)
        at, started = now(), time.monotonic()
        answer = send(hook.config["url"], sent, body, verify=verify)
        with self._lock:
            delivered = Delivered(
                id=7_000_001 + len(self._deliveries),
                guid=guid,
                hook_id=hook.id,
                event=event,
                status=answer.status,
                body=answer.body,
                redelivery=redelivery,
                delivered_at=at,
                duration=round(time.monotonic() - started, 2),
                url=hook.config["url"],
                sent_headers=sent,
                sent_body=body,
                payload=payload,
                answer_headers=answer.headers,
            )
            self._deliveries.append(delivered)
            return delivered

    def _ping(self, hook: Hook) -> None:
        payload = self.payload("ping", {"hook_id": hook.id, "hook": self._shown(hook)}, repository=hook.repository)
        self._in_background(lambda: self._send(hook, "ping", payload, guid=str(uuid.uuid4()), headers={}))

    # The API.

    def _create_hook(self, call: Call) -> Answer:
        repository, repository_id = self._repository_of(call)
        body = json_object(call)
        if body.get("name", "web") != "web":
            raise invalid("Hook", ("name", "name is invalid"))
        config = self._config(body.get("config"))
        events = _events(body.get("events", ["push"]))
        with self._lock:
            self._refuse_double(repository, config, events)
            self._last_hook_id += 1
            hook = Hook(
                id=self._last_hook_id,
                repository=repository,
                repository_id=repository_id,
                active=_boolean(body.get("active", True)),
                events=events,
                config=config,
                created_at=now(),
                updated_at=now(),
            )
            self._hooks[hook.id] = hook
        self._ping(hook)
        shown = self._shown(hook)
        return Answer(status=201, content=shown, headers={"Location": shown["url"]})

    def _list_hooks(self, call: Call) -> Answer:
        repository, _ = self._repository_of(call)
        found = [self._shown(hook) for hook in self.hooks if hook.repository == repository]
        page, headers = paged(found, call, self.url, default=30)
        return Answer(content=page, headers=headers)

    def _get_hook(self, call: Call) -> Answer:
        return Answer(content=self._shown(self._hook_of(call)))

    def _update_hook(self, call: Call) -> Answer:
        """Change a hook. A config given here replaces the whole config, and so forgets a secret that it leaves out."""
        body = json_object(call)
        with self._lock:
            hook = self._hook_of(call)
            events = _events(body.get("events", list(hook.events)))
            events = _events([*events, *body.get("add_events", [])])
            events = tuple(event for event in events if event not in body.get("remove_events", []))
            config = self._config(body["config"]) if "config" in body else hook.config
            self._refuse_double(hook.repository, config, events, but=hook.id)
            hook = self._replace(hook, events=events, config=config, active=_boolean(body.get("active", hook.active)))
        return Answer(content=self._shown(hook))

    def _delete_hook(self, call: Call) -> Answer:
        with self._lock:
            del self._hooks[self._hook_of(call).id]
        return Answer(status=204)

    def _get_config(self, call: Call) -> Answer:
        return Answer(content=self._shown(self._hook_of(call))["config"])

    def _update_config(self, call: Call) -> Answer:
        body = json_object(call)
        with self._lock:
            hook = self._hook_of(call)
            hook = self._replace(hook, config=self._config({**hook.config, **body}))
        return Answer(content=self._shown(hook)["config"])

    def _ping_hook(self, call: Call) -> Answer:
        self._ping(self._hook_of(call))
        return Answer(status=204)

    def _test_hook(self, call: Call) -> Answer:
        """Send the repository's last push, to a hook that wants pushes; otherwise send nothing."""
        hook = self._hook_of(call)
        if hook.wants("push"):
            payload = self.payload("push.branch", repository=hook.repository)
            self._in_background(lambda: self._send(hook, "push", payload, guid=str(uuid.uuid4()), headers={}))
        return Answer(status=204)

    def _list_deliveries(self, call: Call) -> Answer:
        hook = self._hook_of(call)
        found = [self._shown_delivery(one, hook) for one in reversed(self.deliveries) if one.hook_id == hook.id]
        page, headers = paged(found, call, self.url, default=30)
        return Answer(content=page, headers=headers)

    def _get_delivery(self, call: Call) -> Answer:
        hook = self._hook_of(call)
        one = self._delivery_of(call, hook)
        more = {
            "url": one.url,
            "request": {"headers": dict(one.sent_headers), "payload": one.payload},
            "response": {"headers": dict(one.answer_headers), "payload": one.body},
        }
        return Answer(content={**self._shown_delivery(one, hook), **more})

    def _redeliver(self, call: Call) -> Answer:
        """Send the same again, with the same guid and a delivery id of its own."""
        hook = self._hook_of(call)
        one = self._delivery_of(call, hook)
        self._in_background(
            lambda: self._send(hook, one.event, one.payload, guid=one.guid, headers={}, redelivery=True)
        )
        return Answer(status=202, content={})

    # Looking up, checking, showing.

    def _hook_of(self, call: Call) -> Hook:
        repository, _ = self._repository_of(call)
        with self._lock:
            hook = self._hooks.get(call.params["hook"])
        if hook is None or hook.repository != repository:
            raise refusal(404, "Not Found")
        return hook

    def _delivery_of(self, call: Call, hook: Hook) -> Delivered:
        for one in self.deliveries:
            if (one.id, one.hook_id) == (call.params["delivery"], hook.id):
                return one
        raise refusal(404, "Not Found")

    def _replace(self, hook: Hook, **changes: Any) -> Hook:
        self._hooks[hook.id] = Hook(**{**vars(hook), **changes, "updated_at": now()})
        return self._hooks[hook.id]

    def _config(self, config: Any) -> dict[str, str]:
        if not isinstance(config, dict) or not config.get("url"):
            raise invalid("Hook", ("", "url cannot be blank"))
        unknown = [name for name in config if name not in _CONFIG]
        if unknown and not self._keep_unknown_config:
            raise invalid("Hook", *(("", f"Invalid config attribute: {name}") for name in unknown))
        checked = {"content_type": "form", "insecure_ssl": "0"} | {name: str(value) for name, value in config.items()}
        if not re.fullmatch(r"https?://[^\s/?#]+\S*", checked["url"]):
            raise invalid("Hook", ("", "url is not valid"))
        if checked["content_type"] not in ("json", "form"):
            raise invalid("Hook", ("", "content_type is not included in the list"))
        if checked["insecure_ssl"] not in ("0", "1"):
            raise invalid("Hook", ("", "insecure_ssl is not included in the list"))
        return {name: value for name, value in checked.items() if name != "secret" or value}

    def _refuse_double(self, repository: str, config: Mapping[str, str], events: Sequence[str], but: int = 0) -> None:
        """Refuse a config that another hook has, "as long as those webhooks do not have any events that overlap"."""
        for hook in self._hooks.values():
            overlap = set(hook.events) & set(events) or "*" in (*hook.events, *events)
            if hook.id != but and hook.repository == repository and overlap and _public(hook.config) == _public(config):
                raise invalid("Hook", ("", "Hook already exists on this repository"))

    def _shown(self, hook: Hook) -> dict[str, Any]:
        url = f"{self.url}/repos/{hook.repository}/hooks/{hook.id}"
        config = {name: _HIDDEN if name == "secret" else value for name, value in hook.config.items()}
        last = [one for one in self.deliveries if one.hook_id == hook.id][-1:]
        response = {"code": last[0].status, "status": _status_word(last[0].status), "message": None} if last else None
        return {
            "type": "Repository",
            "id": hook.id,
            "name": "web",
            "active": hook.active,
            "events": list(hook.events),
            "config": config,
            "created_at": hook.created_at,
            "updated_at": hook.updated_at,
            "url": url,
            "test_url": f"{url}/test",
            "ping_url": f"{url}/pings",
            "deliveries_url": f"{url}/deliveries",
            "last_response": response or {"code": None, "status": "unused", "message": None},
        }

    def _shown_delivery(self, one: Delivered, hook: Hook) -> dict[str, Any]:
        return {
            "id": one.id,
            "guid": one.guid,
            "delivered_at": one.delivered_at,
            "redelivery": one.redelivery,
            "duration": one.duration,
            "status": "OK" if one.status < 400 else _status_word(one.status),
            "status_code": one.status,
            "event": one.event,
            "action": one.payload.get("action") if isinstance(one.payload, Mapping) else None,
            "installation_id": None,
            "repository_id": hook.repository_id,
            "throttled_at": None,
        }


def _events(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        raise invalid("Hook", ("", "events cannot be blank"))
    unknown = [str(event) for event in value if event not in _EVENTS]
    if unknown:
        raise invalid("Hook", ("", f"The following events are not supported: {', '.join(unknown)}"))
    return tuple(dict.fromkeys(value))


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise refusal(422, f"Invalid request.\n\nFor 'properties/active', {json.dumps(value)} is not a boolean.")
    return value


def _public(config: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in config.items() if name != "secret"}


def _status_word(status: int) -> str:
    return {502: "failed to connect to host", 504: "timed out"}.get(status, f"Invalid HTTP Response: {status}")
