# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fake GitLab: commit statuses, project webhooks, and deliveries like GitLab's.

Its refusals are those of the real API, from its documentation and its source (lib/api/commit_statuses.rb,
app/services/ci/create_commit_status_service.rb, lib/api/project_hooks.rb, app/services/web_hook_service.rb):
https://docs.gitlab.com/api/commits/#set-commit-pipeline-status, https://docs.gitlab.com/api/project_webhooks/

Two things are not like GitLab: hooks may call loopback, and are never suspended for failing (`alert_status` tells).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from tests.fakes.gitlab_hooks import GitLabHooks
from tests.fakes.gitlab_wire import Delivered, Hook, now
from tests.fakes.http import Answer, Call, Refused, arguments, merged, serve_forever
from tests.fixtures import load

_STATES = ("pending", "running", "success", "failed", "canceled", "skipped")
# State asked for → the state machine's event, and the states that it leaves from.
_TRANSITIONS = {
    "pending": ("enqueue", ("created",)),
    "running": ("run", ("created", "pending")),
    "success": ("success", ("created", "pending", "running")),
    "failed": ("drop", ("created", "pending", "running")),
    "canceled": ("cancel", ("created", "pending", "running")),
    "skipped": ("skip", ("created", "pending")),
}
_SHA = re.compile(r"[0-9a-f]{40}")
_PROJECT = "/api/v4/projects/{project:path}"
_HOOK = _PROJECT + "/hooks/{hook:int}"


class GitLabFake(GitLabHooks):
    """GitLab with some projects and one token. The instance is at `url`; `project_ids` has the id of each path.

    `commits` are the SHAs that exist in every project; None: every full SHA does. `ca_file` is trusted and no other
    when deliveries go to https.
    """

    def __init__(
        self,
        *,
        token: str = "glpat-of-the-fake",
        repositories: Sequence[str] = ("acorn-works/orchard",),
        commits: Sequence[str] | None = None,
        ca_file: str | None = None,
    ) -> None:
        super().__init__(token=token, ca_file=ca_file)
        self.project_ids = {path: 412 + index for index, path in enumerate(repositories)}
        self._commits = commits

    def routes(self) -> Sequence[tuple[str, str, Any]]:
        """Return the API."""
        own = [
            ("POST", _PROJECT + "/statuses/{sha}", self._create_status),
            ("GET", _PROJECT + "/repository/commits/{sha}/statuses", self._list_statuses),
            ("POST", _HOOK + "/test/{trigger}", self._test_hook),
            ("GET", _HOOK + "/events", self._list_events),
            ("POST", _HOOK + "/events/{event:int}/resend", self._resend_event),
            ("GET", _HOOK, self._get_hook),
            ("PUT", _HOOK, self._update_hook),
            ("DELETE", _HOOK, self._delete_hook),
            ("GET", _PROJECT + "/hooks", self._list_hooks),
            ("POST", _PROJECT + "/hooks", self._create_hook),
        ]
        return [(method, path, self._checked(endpoint)) for method, path, endpoint in own]

    # For tests.

    def payload(self, name: str, changes: Mapping[str, Any] | None = None, *, project_id: int = 0) -> dict[str, Any]:
        """Return a recorded payload (`Push_Hook.branch`, see tests/fixtures/gitlab) as this GitLab would send it.

        Its project is `project_id` (default: the first), its URLs lead here, and `changes` is laid over it.
        """
        paths = {number: path for path, number in self.project_ids.items()}
        number = project_id or next(iter(paths))
        text = load("gitlab", name).body.decode().replace("acorn-works/orchard", paths[number])
        text = text.replace("https://gitlab.com", self.url)
        return merged(json.loads(re.sub(r": 412\b", f": {number}", text)), changes or {})

    def deliver_for_control(self, wanted: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
        """Deliver `payload`, or the recorded `sample` with `changes`, as `event` (default: the sample's own)."""
        sample = wanted.get("sample", "")
        payload = wanted.get("payload") or self.payload(sample, wanted.get("changes"))
        event = wanted.get("event") or sample.partition(".")[0].replace("_", " ")
        delivered = self.deliver_all(event, payload, headers=wanted.get("headers"))
        return [one.shown() for one in delivered if wanted.get("hook_id") in (None, one.hook_id)]

    # What every request goes through.

    def _checked(self, endpoint: Any) -> Any:
        def check(call: Call) -> Answer:
            bearer = call.headers.get("authorization", "").removeprefix("Bearer ")
            if self.token not in (call.headers.get("private-token"), call.query.get("private_token"), bearer):
                raise Refused(401, {"message": "401 Unauthorized"})
            self._project_of(call)
            return endpoint(call)

        return check

    def _project_of(self, call: Call) -> tuple[str, int]:
        """Return path and id of the project: an id, or the path with %2F for its slashes."""
        given = call.params["project"]
        if unquote(call.raw_path.split("/")[4]) != given:
            raise Refused(404, {"error": "404 Not Found"})
        for path, number in self.project_ids.items():
            if given in (path, str(number)):
                return path, number
        raise Refused(404, {"message": "404 Project Not Found"})

    # Statuses.

    def _create_status(self, call: Call) -> Answer:
        path, project_id = self._project_of(call)
        sha = call.params["sha"]
        fields = _status_fields(call)
        if not _SHA.fullmatch(sha) or (self._commits is not None and sha not in self._commits):
            raise Refused(404, {"message": "404 Commit Not Found"})
        name = fields.get("name") or fields.get("context") or "default"
        with self._lock:
            present = self._unfinished(path, sha, name)
            _check_transition(present["state"] if present else "created", fields["state"])
            status = {
                "repository": path,
                "project_id": project_id,
                "sha": sha,
                "state": fields["state"],
                "context": name,
                "description": fields.get("description"),
                "target_url": fields.get("target_url"),
                "ref": fields.get("ref") or "main",
                "id": present["id"] if present else 93_001 + len(self.statuses),
                "created_at": present["created_at"] if present else now(),
            }
            self._add_status(status)
        return Answer(status=201, content=_shown(status))

    def _unfinished(self, path: str, sha: str, name: str) -> dict[str, Any] | None:
        """Return the status that a post changes: the last of its name, unless that is finished."""
        for each in reversed(self.statuses):
            if (each["repository"], each["sha"], each["context"]) == (path, sha, name):
                return each if each["state"] in ("pending", "running") else None
        return None

    def _list_statuses(self, call: Call) -> Answer:
        path, _ = self._project_of(call)
        latest = {
            each["id"]: each
            for each in self.statuses
            if (each["repository"], each["sha"]) == (path, call.params["sha"])
        }
        return self._paged([_shown(each) for each in latest.values()], call)


def _status_fields(call: Call) -> dict[str, Any]:
    try:
        fields = call.fields()
    except ValueError:
        raise Refused(400, {"message": "400 Bad request - Problem parsing JSON"}) from None
    if "state" not in fields:
        raise Refused(400, {"error": "state is missing"})
    if fields["state"] not in _STATES:
        raise Refused(400, {"error": "state does not have a valid value"})
    errors: dict[str, list[str]] = {}
    for name in ("name", "context", "description", "target_url", "ref"):
        if len(str(fields.get(name) or "")) > 255:
            errors[name] = ["is too long (maximum is 255 characters)"]
    target = fields.get("target_url")
    if target and not re.match(r"https?://", str(target)):
        errors["target_url"] = ["is blocked: Only allowed schemes are http, https"]
    if errors:
        raise Refused(400, {"message": errors})
    return fields


def _check_transition(present: str, wanted: str) -> None:
    event, sources = _TRANSITIONS[wanted]
    if present not in sources:
        reason = f'Reason(s): Status cannot transition via "{event}"'
        raise Refused(400, {"message": f"Cannot transition status via :{event} from :{present} ({reason})"})


def _shown(status: Mapping[str, Any]) -> dict[str, Any]:
    left_out = ("repository", "project_id", "state", "context")
    shown = {name: value for name, value in status.items() if name not in left_out}
    author = {"id": 1, "username": "the-fake", "name": "The fake", "state": "active"}
    return {**shown, "status": status["state"], "name": status["context"], "allow_failure": False, "author": author}


__all__ = ["Delivered", "GitLabFake", "Hook"]


if __name__ == "__main__":
    given = arguments(__doc__.partition("\n")[0]).parse_args()
    fake = GitLabFake(token=given.token, repositories=given.repository, commits=given.commit)
    serve_forever(fake, given.port, project_ids=fake.project_ids)
