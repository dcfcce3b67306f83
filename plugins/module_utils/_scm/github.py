# Copyright: Playhook contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""GitHub's repository webhooks.

https://docs.github.com/en/rest/repos/webhooks
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from time import monotonic, sleep

from ansible.module_utils.common.text.converters import to_bytes
from ansible_collections.playhook.webhooks.plugins.module_utils._errors import HookTestFailed, InvalidOption, NotFound
from ansible_collections.playhook.webhooks.plugins.module_utils._plan import Step
from ansible_collections.playhook.webhooks.plugins.module_utils._scm.hook import Hook

_PAGE_SIZE = 100
_BETWEEN_LOOKS = 0.5  # seconds
_SETTLED_AFTER = 10  # seconds


class GitHub:
    """The hooks of one repository on github.com or a GitHub Enterprise Server."""

    default_api_url = "https://api.github.com"
    default_events = ("pull_request",)
    token_variable = "GITHUB_TOKEN"  # noqa: S105

    def __init__(self, client, repository):
        if not re.match(r"^[\w.-]+/[\w.-]+$", repository):
            raise InvalidOption(f"repository must be owner/name for github, not {repository!r}.")
        self._client = client
        self._hooks = f"{client.base_url}/repos/{repository}/hooks"

    @staticmethod
    def api_url(given):
        """Return the base of the API from the address that the user gave."""
        return given

    @staticmethod
    def headers(token):
        """Return the headers of every request."""
        return {
            "Authorization": "Bearer " + token,
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
        }

    @staticmethod
    def refuse_unusable(wanted):
        """Raise InvalidOption for what GitHub's hooks do not have."""
        if wanted.name is not None:
            raise InvalidOption(
                "name cannot be used with github, where every hook is called web. Use url_pattern or hook_id."
            )

    @staticmethod
    def event_names(given):
        """Return event names as the API has them."""
        return tuple(sorted(set(given)))

    def hooks(self):
        """Return all hooks of the repository that call an address."""
        found, page = [], 1
        while True:
            answer = self._get(f"{self._hooks}?per_page={_PAGE_SIZE}&page={page}")
            found.extend(_hook(content) for content in answer if content.get("name") == "web")
            if len(answer) < _PAGE_SIZE:
                return found
            page += 1

    def create(self, wanted):
        """Return the step that creates a hook."""
        config = {"url": wanted.url, "content_type": "json", "insecure_ssl": _insecure(wanted.validate_certs)}
        config["secret"] = wanted.key
        active = True if wanted.active is None else wanted.active
        return Step(
            "POST",
            self._hooks,
            {"name": "web", "active": active, "events": list(wanted.events), "config": config},
            "subject",
        )

    def update(self, hook, wanted, set_key):
        """Return the steps that change a hook.

        The config has an address of its own, because a config in the hook's own PATCH replaces the whole config, and
        so removes a key that is not given again.
        """
        config = {
            "url": wanted.url or hook.url,
            "content_type": "json",
            "insecure_ssl": _insecure(wanted.validate_certs),
        }
        present = {"url": hook.url, "content_type": hook.content_type, "insecure_ssl": _insecure(hook.validate_certs)}
        config = {name: value for name, value in config.items() if present[name] != value}
        if set_key:
            config["secret"] = wanted.key
        own = {}
        if wanted.events is not None and wanted.events != hook.events:
            own["events"] = list(wanted.events)
        if wanted.active is not None and wanted.active != hook.active:
            own["active"] = wanted.active
        address = f"{self._hooks}/{hook.id}"
        steps = [Step("PATCH", address + "/config", config)] if config else []
        steps += [Step("PATCH", address, own)] if own else []
        return [*steps, Step("POST", address + "/pings")] if set_key else steps

    def delete(self, hook):
        """Return the step that deletes a hook."""
        return Step("DELETE", f"{self._hooks}/{hook.id}")

    def knows_key(self, hook, key):
        """Say whether the hook is known to have this key: its last delivery was signed with it."""
        return self._has_signed(hook.id, key)

    def settle(self, hook_id, key):
        """Wait until a delivery shows that the hook has the key, so that the next run knows it too.

        GitHub pings a new hook by itself, and update() asks for a ping after a change of the key. That a delivery does
        not come in time is no error: the next run sets the key again.
        """
        give_up = monotonic() + _SETTLED_AFTER
        while not self._has_signed(hook_id, key) and monotonic() < give_up:
            sleep(_BETWEEN_LOOKS)

    def test(self, hook_id, timeout):
        """Have GitHub send a ping and return the status that the receiver answered."""
        address = f"{self._hooks}/{hook_id}"
        known = {delivery["id"] for delivery in self._deliveries(hook_id)}
        self._client.request("POST", address + "/pings")
        give_up = monotonic() + timeout
        while True:
            pings = [
                found for found in self._deliveries(hook_id) if found["event"] == "ping" and found["id"] not in known
            ]
            if pings:
                status = pings[0]["status_code"]
                if 200 <= status < 300:
                    return status
                raise HookTestFailed(
                    "The ping of hook {} was answered {} ({}).".format(hook_id, status, pings[0]["status"]),
                    hook_id=hook_id,
                )
            if monotonic() >= give_up:
                raise HookTestFailed(
                    f"The ping of hook {hook_id} was not delivered within {timeout} seconds.", hook_id=hook_id
                )
            sleep(_BETWEEN_LOOKS)

    def _has_signed(self, hook_id, key):
        deliveries = self._deliveries(hook_id)
        if not deliveries:
            return False
        request = self._get(f"{self._hooks}/{hook_id}/deliveries/{deliveries[0]['id']}")["request"]
        # GitHub shows the payload parsed; written again without spaces it is what was signed.
        payload = json.dumps(request["payload"], separators=(",", ":"), ensure_ascii=False)
        expected = "sha256=" + hmac.new(to_bytes(key), to_bytes(payload), hashlib.sha256).hexdigest()
        headers = {name.lower(): value for name, value in request["headers"].items()}
        return hmac.compare_digest(to_bytes(headers.get("x-hub-signature-256", "")), to_bytes(expected))

    def _deliveries(self, hook_id):
        try:
            return self._get(f"{self._hooks}/{hook_id}/deliveries?per_page={_PAGE_SIZE}")
        except NotFound:
            # An Enterprise Server older than 3.3 keeps no such list.
            return []

    def _get(self, url):
        return self._client.request("GET", url)


def _hook(content):
    config = content["config"]
    return Hook(
        id=content["id"],
        url=config.get("url", ""),
        name=None,
        events=tuple(sorted(content["events"])),
        active=content["active"],
        validate_certs=str(config.get("insecure_ssl", "0")) == "0",
        content_type=config.get("content_type", "form"),
        key_is_set=bool(config.get("secret")),
        content=content,
    )


def _insecure(validate_certs):
    return "0" if validate_certs else "1"
