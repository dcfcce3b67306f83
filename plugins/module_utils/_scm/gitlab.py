# Copyright: Playhook contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""GitLab's project webhooks.

https://docs.gitlab.com/api/project_webhooks/
"""

from __future__ import annotations

import re
from urllib.parse import quote

from ansible_collections.playhook.webhooks.plugins.module_utils._errors import (
    HookTestFailed,
    InvalidOption,
    NotFound,
    RequestRefused,
)
from ansible_collections.playhook.webhooks.plugins.module_utils._keys import key_fingerprint
from ansible_collections.playhook.webhooks.plugins.module_utils._plan import Step
from ansible_collections.playhook.webhooks.plugins.module_utils._scm.hook import Hook

_PAGE_SIZE = 100
_EVENTS = (
    "confidential_issues",
    "confidential_note",
    "deployment",
    "emoji",
    "feature_flag",
    "issues",
    "job",
    "merge_requests",
    "milestone",
    "note",
    "pipeline",
    "push",
    "releases",
    "resource_access_token",
    "tag_push",
    "wiki_page",
)
# Where the fingerprint of the key is left, with the newest event of that time: the description, which GitLab has
# since 17.1.
_MARK = re.compile(r"\s*\[playhook key ([0-9a-f]{16}) after event (\d+)\]$")


class GitLab:
    """The hooks of one project on gitlab.com or an instance of one's own."""

    default_api_url = "https://gitlab.com"
    default_events = ("merge_requests", "push", "tag_push")
    token_variable = "GITLAB_TOKEN"  # noqa: S105

    def __init__(self, client, repository):
        self._client = client
        self._hooks = "{}/projects/{}/hooks".format(client.base_url, quote(repository, safe=""))

    @staticmethod
    def api_url(given):
        """Return the base of the API from the address that the user gave: the instance, or its API."""
        return given if given.endswith("/api/v4") else given + "/api/v4"

    @staticmethod
    def headers(token):
        """Return the headers of every request; GitLab takes personal, project, group and OAuth tokens as Bearer."""
        return {"Authorization": "Bearer " + token, "Accept": "application/json"}

    @staticmethod
    def refuse_unusable(wanted):
        """Raise InvalidOption for what GitLab's hooks do not have."""
        if wanted.active is False:
            raise InvalidOption("active cannot be false with gitlab, which has no such switch. Use state: absent.")

    @staticmethod
    def event_names(given):
        """Return event names without the suffix that the API gives them."""
        names = sorted({name[: -len("_events")] if name.endswith("_events") else name for name in given})
        unknown = [name for name in names if name not in _EVENTS]
        if unknown:
            raise InvalidOption(
                "events has {}, which gitlab does not know. It knows: {}.".format(
                    ", ".join(unknown), ", ".join(_EVENTS)
                )
            )
        return tuple(names)

    def hooks(self):
        """Return all hooks of the project."""
        found, page = [], 1
        while True:
            answer = self._get(f"{self._hooks}?per_page={_PAGE_SIZE}&page={page}")
            found.extend(_hook(content) for content in answer)
            if len(answer) < _PAGE_SIZE:
                return found
            page += 1

    def create(self, wanted):
        """Return the step that creates a hook."""
        body = dict(_flags(wanted.events), url=wanted.url, enable_ssl_verification=wanted.validate_certs)
        body.update(token=wanted.key, description=_marked("", wanted.key, 0))
        if wanted.name is not None:
            body["name"] = wanted.name
        return Step("POST", self._hooks, body, "subject")

    def update(self, hook, wanted, set_key):
        """Return the steps that change a hook.

        GitLab forgets the key when the URL changes, so a new URL needs the key again.
        """
        url = wanted.url or hook.url
        if url != hook.url and wanted.key is None:
            raise InvalidOption(
                f"gitlab forgets a hook's key when its URL changes: to move hook {hook.id}, give key too."
            )
        set_key = set_key or url != hook.url
        changes = {}
        if wanted.validate_certs != hook.validate_certs:
            changes["enable_ssl_verification"] = wanted.validate_certs
        if wanted.name is not None and wanted.name != hook.name:
            changes["name"] = wanted.name
        if wanted.events is not None:
            changes.update(
                (flag, value) for flag, value in _flags(wanted.events).items() if bool(hook.content.get(flag)) != value
            )
        if set_key:
            changes["token"] = wanted.key
            if "description" in hook.content:
                changes["description"] = _marked(
                    hook.content["description"], wanted.key, self._last_event(hook).get("id", 0)
                )
        return [Step("PUT", f"{self._hooks}/{hook.id}", dict(changes, url=url))] if changes else []

    def delete(self, hook):
        """Return the step that deletes a hook."""
        return Step("DELETE", f"{self._hooks}/{hook.id}")

    def knows_key(self, hook, key):
        """Say whether the hook is known to have this key: its fingerprint is there, and nothing was refused since."""
        mark = _MARK.search(hook.content.get("description") or "")
        if mark is None or mark.group(1) != key_fingerprint(key):
            return False
        last = self._last_event(hook)
        return last.get("id", 0) <= int(mark.group(2)) or str(last["response_status"]) not in ("401", "403")

    @staticmethod
    def settle(_hook_id, _key):
        """Do nothing: the fingerprint is there at once."""

    def test(self, hook_id, _timeout):
        """Have GitLab send a push event and return the status that the receiver answered."""
        try:
            self._client.request("POST", f"{self._hooks}/{hook_id}/test/push_events")
        except RequestRefused as refusal:
            raise HookTestFailed(f"The test of hook {hook_id} failed. {refusal}", hook_id=hook_id) from None
        return 200

    def _last_event(self, hook):
        try:
            events = self._get(f"{self._hooks}/{hook.id}/events?per_page=20")
        except NotFound:
            # GitLab keeps such a list for the API since 17.3.
            return {}
        return max(events, key=lambda event: event["id"]) if events else {}

    def _get(self, url):
        return self._client.request("GET", url)


def _hook(content):
    mark = _MARK.search(content.get("description") or "")
    return Hook(
        id=content["id"],
        url=content["url"],
        name=content.get("name"),
        events=tuple(name for name in _EVENTS if content.get(name + "_events")),
        active=True,
        validate_certs=content["enable_ssl_verification"],
        content_type="json",
        key_is_set=True if mark else None,
        content=content,
    )


def _flags(events):
    return {name + "_events": name in events for name in _EVENTS}


def _marked(description, key, event_id):
    kept = _MARK.sub("", description or "")
    return f"{kept} [playhook key {key_fingerprint(key)} after event {event_id}]".strip()
