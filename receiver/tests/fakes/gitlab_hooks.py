# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fake GitLab's project webhooks and the deliveries that they send.

https://docs.gitlab.com/api/project_webhooks/
"""

from __future__ import annotations

import base64
import binascii
import re
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from tests.fakes.gitlab_wire import FLAG_OF_EVENT, TRIGGERS, Delivered, Hook, now, signed_headers, written
from tests.fakes.http import Answer, Call, FakeServer, Refused, paged
from tests.fakes.sending import send

_TEXTS = ("name", "description", "push_events_branch_filter", "token", "signing_token")


class GitLabHooks(FakeServer):
    """The part of the fake that is about hooks."""

    def __init__(self, *, token: str, ca_file: str | None) -> None:
        super().__init__(token=token)
        self._ca_file = ca_file
        self._hooks: dict[int, Hook] = {}
        self._deliveries: list[Delivered] = []
        self._last_hook_id = 300

    def _project_of(self, call: Call) -> tuple[str, int]:
        raise NotImplementedError

    def payload(self, name: str, changes: Mapping[str, Any] | None = None, *, project_id: int = 0) -> dict[str, Any]:
        """Return a recorded payload as this GitLab would send it."""
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
        """Send an event (`Push Hook`) to the one hook that wants it, or to `hook_id`, and wait for the answer.

        Bytes are sent as they are. `headers` replace GitLab's, and None removes one. LookupError when no hook or more
        than one wants the event.
        """
        wanted = [hook for hook in self.hooks if (_wants(hook, event) if hook_id is None else hook.id == hook_id)]
        if len(wanted) != 1:
            raise LookupError(f"{len(wanted)} hooks want {event}; give hook_id. There are: {self.hooks}")
        return self._send(wanted[0], event, payload, guid=guid, headers=headers)

    def deliver_all(
        self, event: str, payload: Mapping[str, Any] | bytes, *, headers: Mapping[str, str | None] | None = None
    ) -> list[Delivered]:
        """Send an event to every hook that wants it; each delivery has its own guid."""
        return [self._send(hook, event, payload, headers=headers) for hook in self.hooks if _wants(hook, event)]

    # Sending.

    def _send(
        self,
        hook: Hook,
        event: str,
        payload: Mapping[str, Any] | bytes,
        *,
        guid: str | None = None,
        headers: Mapping[str, str | None] | None = None,
    ) -> Delivered:
        body, guid = written(payload), guid or str(uuid.uuid4())
        every = {**signed_headers(hook, event, guid, self.url, body), **(headers or {})}
        sent = {name: value for name, value in every.items() if value is not None}
        started = time.monotonic()
        answer = send(hook.url, sent, body, verify=hook.enable_ssl_verification and (self._ca_file or True))
        with self._lock:
            delivered = Delivered(
                id=len(self._deliveries) + 1,
                guid=guid,
                hook_id=hook.id,
                event=event,
                status=answer.status,
                body=answer.body,
                duration=round(time.monotonic() - started, 4),
                url=hook.url,
                sent_headers=sent,
                sent_body=body,
                payload=payload,
                answer_headers=answer.headers,
            )
            self._deliveries.append(delivered)
            if hook.id in self._hooks:
                present = self._hooks[hook.id]
                self._hooks[hook.id] = replace(present, failures=0 if answer.status < 400 else present.failures + 1)
            return delivered

    # The API.

    def _list_hooks(self, call: Call) -> Answer:
        _, project_id = self._project_of(call)
        return self._paged([hook.shown() for hook in self.hooks if hook.project_id == project_id], call)

    def _create_hook(self, call: Call) -> Answer:
        _, project_id = self._project_of(call)
        fields = _fields(call)
        with self._lock:
            self._last_hook_id += 1
            none = Hook(
                id=self._last_hook_id,
                project_id=project_id,
                url="",
                flags={flag: flag == "push_events" for flag in TRIGGERS},
                created_at=now(),
            )
            hook = self._hooks[none.id] = _changed(none, fields)
        return Answer(status=201, content=hook.shown())

    def _get_hook(self, call: Call) -> Answer:
        return Answer(content=self._hook_of(call).shown())

    def _update_hook(self, call: Call) -> Answer:
        """Change a hook. "When you change the webhook URL, the secret token is reset and not retained.\""""
        fields = _fields(call)
        with self._lock:
            hook = self._hook_of(call)
            kept = hook if fields["url"] == hook.url else replace(hook, token="", signing_token="")
            hook = self._hooks[hook.id] = _changed(kept, fields)
        return Answer(content=hook.shown())

    def _delete_hook(self, call: Call) -> Answer:
        with self._lock:
            del self._hooks[self._hook_of(call).id]
        return Answer(status=204)

    def _test_hook(self, call: Call) -> Answer:
        """Send a sample, whatever the hook wants, and say at once how it went."""
        hook, trigger = self._hook_of(call), call.params["trigger"]
        if trigger not in TRIGGERS:
            raise Refused(400, {"error": "trigger does not have a valid value"})
        event, sample = TRIGGERS[trigger]
        if sample is None:
            raise Refused(422, {"message": f"Ensure the project has something to send for {trigger}."})
        one = self._send(hook, event, self.payload(sample, project_id=hook.project_id))
        if not 200 <= one.status < 300:
            raise Refused(422, {"message": one.body})
        return Answer(status=201, content={"message": "201 Created"})

    def _list_events(self, call: Call) -> Answer:
        hook = self._hook_of(call)
        found = [one for one in reversed(self.deliveries) if one.hook_id == hook.id]
        wanted = call.query.get("status")
        return self._paged([one.as_event() for one in found if not wanted or _is_status(one.status, wanted)], call)

    def _resend_event(self, call: Call) -> Answer:
        """Send the same again, with the same Idempotency-Key."""
        hook = self._hook_of(call)
        for one in self.deliveries:
            if (one.id, one.hook_id) == (call.params["event"], hook.id):
                again = self._send(hook, one.event, one.payload, guid=one.guid)
                return Answer(status=201, content={"response_status": again.status})
        raise Refused(404, {"message": "404 Not found"})

    # Looking up and checking.

    def _hook_of(self, call: Call) -> Hook:
        _, project_id = self._project_of(call)
        with self._lock:
            hook = self._hooks.get(call.params["hook"])
        if hook is None or hook.project_id != project_id:
            raise Refused(404, {"message": "404 Not found"})
        return hook

    def _paged(self, items: list[dict[str, Any]], call: Call) -> Answer:
        page, headers = paged(items, call, self.url, default=20)
        return Answer(content=page, headers={**headers, "X-Total": str(len(items))})


def _wants(hook: Hook, event: str) -> bool:
    return hook.flags.get(FLAG_OF_EVENT.get(event, ""), False)


def _is_status(status: int, wanted: str) -> bool:
    group = {"successful": 2, "client_failure": 4, "server_failure": 5}.get(wanted)
    return status // 100 == group if group else str(status) == wanted


def _fields(call: Call) -> dict[str, Any]:
    try:
        fields = call.fields()
    except ValueError:
        raise Refused(400, {"message": "400 Bad request - Problem parsing JSON"}) from None
    if "url" not in fields:
        raise Refused(400, {"error": "url is missing"})
    if not re.fullmatch(r"https?://[^\s/?#]+\S*", str(fields["url"])):
        raise Refused(422, {"error": "Invalid url given"})
    for name in (*TRIGGERS, "enable_ssl_verification"):
        if str(fields.get(name, True)).lower() not in ("true", "false"):
            raise Refused(400, {"error": f"{name} is invalid"})
    if fields.get("signing_token") and not _is_signing_token(str(fields["signing_token"])):
        message = "must be in whsec_<base64> format encoding a 32-byte key"
        raise Refused(422, {"message": {"signing_token": [message]}})
    return fields


def _is_signing_token(value: str) -> bool:
    try:
        key = base64.b64decode(value.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        return False
    return value.startswith("whsec_") and len(key) == 32


def _changed(hook: Hook, fields: Mapping[str, Any]) -> Hook:
    flags = {flag: _boolean(fields.get(flag, present)) for flag, present in hook.flags.items()}
    texts = {name: fields[name] or "" for name in _TEXTS if name in fields}
    verify = _boolean(fields.get("enable_ssl_verification", hook.enable_ssl_verification))
    return replace(hook, url=fields["url"], flags=flags, enable_ssl_verification=verify, **texts)


def _boolean(value: Any) -> bool:
    return str(value).lower() == "true"
