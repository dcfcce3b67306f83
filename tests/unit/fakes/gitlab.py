# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""GitLab's project webhooks API in memory.

https://docs.gitlab.com/api/project_webhooks/
"""

from __future__ import annotations

from ansible_collections.playhook.webhooks.tests.unit.fakes.http import FakeServer, Refusal

_FLAGS = (
    "confidential_issues_events",
    "confidential_note_events",
    "deployment_events",
    "emoji_events",
    "feature_flag_events",
    "issues_events",
    "job_events",
    "merge_requests_events",
    "milestone_events",
    "note_events",
    "pipeline_events",
    "push_events",
    "releases_events",
    "resource_access_token_events",
    "tag_push_events",
    "wiki_page_events",
)
_FIELDS = {"url", "name", "description", "token", "enable_ssl_verification"} | set(_FLAGS)


class FakeGitLab(FakeServer):
    """One project, group/site; old is a GitLab before 17.1, whose hooks have no description and no events list."""

    host = "https://gitlab.com"
    token = "pl4nt3d-gitlab-token"

    def __init__(self):
        super().__init__()
        self.hooks = []
        self.events = {}
        self.old = False
        self.accepted_key = None
        self._events_made = 0

    def add(self, **fields):
        """Put a hook there without a request, as another program would have."""
        hook = dict.fromkeys(_FLAGS, False)
        hook.update(url="https://hooks.example.com/old", push_events=True, enable_ssl_verification=True, token=None)
        if not self.old:
            hook.update(name="", description="")
        hook.update((name, value) for name, value in fields.items() if name in hook)
        hook["id"] = 1 + len(self.hooks)
        self.hooks.append(hook)
        self.events[hook["id"]] = []
        return hook

    def deliver(self, hook):
        """Send an event to the receiver, keep it in the log, newest first, and return the status of the answer."""
        self._events_made += 1
        status = 502 if self.accepted_key is None else 200 if hook["token"] == self.accepted_key else 403
        self.events[hook["id"]].insert(0, {"id": self._events_made, "response_status": str(status)})
        return status

    def answer(self, request):
        """Return the status and the body of the answer, or raise Refusal."""
        if request.headers["Authorization"] != "Bearer " + self.token:
            raise Refusal(401, {"message": "401 Unauthorized"})
        base = "/api/v4/projects/group%2Fsite/hooks"
        if not request.path.startswith(base):
            raise Refusal(404, {"message": "404 Project Not Found"})
        parts = [part for part in request.path[len(base) :].split("/") if part]
        if not parts:
            return self._collection(request)
        hook = next((each for each in self.hooks if each["id"] == int(parts[0])), None)
        if hook is None:
            raise Refusal(404, {"message": "404 Not found"})
        if parts[1:] == ["events"] and not self.old:
            return 200, self.events[hook["id"]]
        if parts[1:] == ["test", "push_events"]:
            assert request.method == "POST"
            status = self.deliver(hook)
            if status != 200:
                raise Refusal(422, {"message": f"Hook execution failed: {status}"})
            return 201, {"message": "201 Created"}
        if len(parts) > 1:
            raise Refusal(404, {"error": "404 Not Found"})
        return self._hook(request, hook)

    def _collection(self, request):
        if request.method == "GET":
            size, page = int(request.query["per_page"]), int(request.query["page"])
            return 200, [_shown(hook) for hook in self.hooks[(page - 1) * size : page * size]]
        assert request.method == "POST"
        assert set(request.body) <= _FIELDS
        return 201, _shown(self.add(**request.body))

    def _hook(self, request, hook):
        if request.method == "DELETE":
            self.hooks.remove(hook)
            return 204, None
        assert request.method == "PUT"
        assert set(request.body) <= _FIELDS
        if request.body["url"] != hook["url"]:
            # app/models/hooks/web_hook.rb, reset_token
            hook["token"] = None
        hook.update((name, value) for name, value in request.body.items() if name in hook)
        return 200, _shown(hook)


def _shown(hook):
    return {name: value for name, value in hook.items() if name != "token"}
