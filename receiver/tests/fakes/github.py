# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fake GitHub: commit statuses, repository webhooks, and deliveries like GitHub's.

Its refusals are those of the real API, from its documentation and from answers that people quote:
https://docs.github.com/en/rest/commits/statuses, https://docs.github.com/en/rest/repos/webhooks,
https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api
https://docs.github.com/en/webhooks/webhook-events-and-payloads#delivery-headers

One thing is not like GitHub: hooks may call loopback and private addresses.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from tests.fakes.github_answers import invalid, json_object, refusal
from tests.fakes.github_hooks import GitHubHooks
from tests.fakes.github_wire import Delivered, Hook, now
from tests.fakes.http import Answer, Call, Refused, arguments, merged, paged, serve_forever
from tests.fixtures import load

_STATES = ("error", "failure", "pending", "success")
_MAX_STATUSES = 1000  # of one commit and context
_API_VERSIONS = ("2022-11-28", "2026-03-10")
_SHA = re.compile(r"[0-9a-f]{40}")
_REPOSITORY = "/repos/{owner}/{name}"
_HOOK = _REPOSITORY + "/hooks/{hook:int}"


class GitHubFake(GitHubHooks):
    """GitHub with some repositories and one token. The API is at `url`, and at `url`/api/v3 as on Enterprise Server.

    `commits` are the SHAs that exist in every repository; None: every full SHA does. `ca_file` is trusted besides no
    other when deliveries go to https. With `keep_unknown_config`, a hook's config keeps names that GitHub refuses.
    """

    def __init__(
        self,
        *,
        token: str = "ghp_of-the-fake",
        repositories: Sequence[str] = ("acorn-works/orchard",),
        commits: Sequence[str] | None = None,
        ca_file: str | None = None,
        keep_unknown_config: bool = False,
    ) -> None:
        super().__init__(token=token, ca_file=ca_file, keep_unknown_config=keep_unknown_config)
        self._repositories = {name.lower(): (name, 700001 + index) for index, name in enumerate(repositories)}
        self._commits = commits

    def routes(self) -> Sequence[tuple[str, str, Any]]:
        """Return the API, each path twice: for github.com and for Enterprise Server."""
        own = [
            ("POST", _REPOSITORY + "/statuses/{sha}", self._create_status),
            ("GET", _REPOSITORY + "/commits/{sha}/statuses", self._list_statuses),
            ("GET", _REPOSITORY + "/hooks", self._list_hooks),
            ("POST", _REPOSITORY + "/hooks", self._create_hook),
            ("GET", _HOOK, self._get_hook),
            ("PATCH", _HOOK, self._update_hook),
            ("DELETE", _HOOK, self._delete_hook),
            ("GET", _HOOK + "/config", self._get_config),
            ("PATCH", _HOOK + "/config", self._update_config),
            ("POST", _HOOK + "/pings", self._ping_hook),
            ("POST", _HOOK + "/tests", self._test_hook),
            ("GET", _HOOK + "/deliveries", self._list_deliveries),
            ("GET", _HOOK + "/deliveries/{delivery:int}", self._get_delivery),
            ("POST", _HOOK + "/deliveries/{delivery:int}/attempts", self._redeliver),
        ]
        own = [(method, path, self._checked(endpoint)) for method, path, endpoint in own]
        own.append(("GET", "/meta", lambda _: Answer(content={"hooks": ["192.30.252.0/22", "2a0a:a440::/29"]})))
        return [*own, *((method, "/api/v3" + path, endpoint) for method, path, endpoint in own)]

    # For tests.

    def payload(self, name: str, changes: Mapping[str, Any] | None = None, *, repository: str = "") -> dict[str, Any]:
        """Return a recorded payload (`pull_request.opened`, see tests/fixtures/github) as this GitHub would send it.

        Its repository is `repository` (default: the first), its URLs lead here, and `changes` is laid over it.
        """
        full_name, number = self._repository_named(repository or next(iter(self._repositories)))
        text = load("github", name).body.decode().replace("acorn-works/orchard", full_name)
        text = text.replace("https://api.github.com", self.url).replace("https://github.com", self.url)
        text = text.replace('"id": 700001', f'"id": {number}')
        return merged(json.loads(text), changes or {})

    def deliver_for_control(self, wanted: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
        """Deliver `payload`, or the recorded `sample` with `changes`, as `event` (default: the sample's own)."""
        sample = wanted.get("sample", "")
        payload = wanted.get("payload") or self.payload(sample, wanted.get("changes"))
        event = wanted.get("event") or sample.partition(".")[0]
        delivered = self.deliver_all(event, payload, headers=wanted.get("headers"))
        return [one.shown() for one in delivered if wanted.get("hook_id") in (None, one.hook_id)]

    # What every request goes through.

    def _checked(self, endpoint: Any) -> Any:
        def check(call: Call) -> Answer:
            if not call.headers.get("user-agent"):
                raise Refused(403, "Request forbidden by administrative rules. Please make sure it has a User-Agent.")
            version = call.headers.get("x-github-api-version", _API_VERSIONS[0])
            if version not in _API_VERSIONS:
                raise refusal(400, f"The version {version} of the API is not supported")
            self._authenticate(call)
            self._repository_named(f"{call.params['owner']}/{call.params['name']}")
            return endpoint(call)

        return check

    def _authenticate(self, call: Call) -> None:
        scheme, _, value = call.headers.get("authorization", "").partition(" ")
        if not value:
            # GitHub does not tell strangers which repositories exist.
            raise refusal(404, "Not Found") if call.method == "GET" else refusal(401, "Requires authentication")
        if scheme.lower() == "basic":
            value = base64.b64decode(value).decode("utf-8", "replace").partition(":")[2]
        elif scheme.lower() not in ("bearer", "token"):
            value = ""
        if value != self.token:
            raise refusal(401, "Bad credentials")

    def _repository_named(self, full_name: str) -> tuple[str, int]:
        found = self._repositories.get(full_name.lower())
        if found is None:
            raise refusal(404, "Not Found")
        return found

    def _repository_of(self, call: Call) -> tuple[str, int]:
        return self._repository_named(f"{call.params['owner']}/{call.params['name']}")

    # Statuses.

    def _create_status(self, call: Call) -> Answer:
        full_name, _ = self._repository_of(call)
        body = json_object(call)
        sha = call.params["sha"]
        errors = _status_errors(body)
        if errors:
            raise invalid("Status", *errors)
        if not _SHA.fullmatch(sha) or (self._commits is not None and sha not in self._commits):
            raise refusal(422, f"No commit found for SHA: {sha}")
        context = body.get("context") or "default"
        with self._lock:
            same = [each for each in self.statuses if (each["repository"], each["sha"]) == (full_name, sha)]
            if sum(each["context"] == context for each in same) >= _MAX_STATUSES:
                raise invalid("Status", ("base", "This SHA and context has reached the maximum number of statuses."))
            status = self._new_status(full_name, sha, context, body)
            self._add_status(status)
        return Answer(status=201, content=_shown_status(status), headers={"Location": status["url"]})

    def _new_status(self, full_name: str, sha: str, context: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "repository": full_name,
            "sha": sha,
            "url": f"{self.url}/repos/{full_name}/statuses/{sha}",
            "id": 8_000_001 + len(self.statuses),
            "state": body["state"],
            "context": context,
            "description": body.get("description"),
            "target_url": body.get("target_url"),
            "created_at": now(),
            "updated_at": now(),
            "creator": {"login": "the-fake", "id": 1, "type": "User"},
        }

    def _list_statuses(self, call: Call) -> Answer:
        full_name, _ = self._repository_of(call)
        wanted = (full_name, call.params["sha"])
        found = [each for each in reversed(self.statuses) if (each["repository"], each["sha"]) == wanted]
        page, headers = paged([_shown_status(each) for each in found], call, self.url, default=30)
        return Answer(content=page, headers=headers)


def _status_errors(body: Mapping[str, Any]) -> list[tuple[str, str]]:
    errors = []
    if body.get("state") not in _STATES:
        errors.append(("state", "state is not included in the list"))
    for name, limit in (("description", 140), ("context", 255)):
        value = body.get(name) or ""
        if not isinstance(value, str):
            errors.append((name, f"{name} is not a string"))
        elif len(value) > limit:
            errors.append((name, f"{name} is too long (maximum is {limit} characters)"))
        elif any(ord(each) > 0xFFFF for each in value):
            errors.append((name, f"{name} doesn't accept 4-byte Unicode"))
    target = body.get("target_url")
    if target is not None and not re.match(r"https?://", str(target)):
        errors.append(("target_url", "target_url must use http(s) scheme"))
    return errors


def _shown_status(status: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in status.items() if name not in ("repository", "sha")}


__all__ = ["Delivered", "GitHubFake", "Hook"]


if __name__ == "__main__":
    parser = arguments(__doc__.partition("\n")[0])
    parser.add_argument("--keep-unknown-config", action="store_true", help="keep what GitHub refuses in hooks' config")
    given = parser.parse_args()
    serve_forever(
        GitHubFake(
            token=given.token,
            repositories=given.repository,
            commits=given.commit,
            keep_unknown_config=given.keep_unknown_config,
        ),
        given.port,
    )
