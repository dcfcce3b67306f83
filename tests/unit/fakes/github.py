# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""GitHub's webhooks API in memory.

https://docs.github.com/en/rest/repos/webhooks
"""

from __future__ import annotations

import hashlib
import hmac
import json

from ansible_collections.playhook.webhooks.tests.unit.fakes.http import FakeServer, Refusal

_CONFIG = {"url", "content_type", "insecure_ssl", "secret"}


class FakeGitHub(FakeServer):
    """One repository, example/site.

    accepted_key is the key that the receiver would accept, or None where nobody listens. pings says whether pings are
    delivered at all, and slow how many looks at the log it takes until they are there.
    """

    host = "https://api.github.com"
    token = "pl4nt3d-github-token"

    def __init__(self):
        super().__init__()
        self.hooks = []
        self.deliveries = {}
        self.accepted_key = None
        self.clock = 0
        self.pings = True
        self.slow = 0
        self._under_way = []

    def add(self, **fields):
        """Put a hook there without a request, as another program would have."""
        config = {"url": "https://hooks.example.com/old", "content_type": "form", "insecure_ssl": "0"}
        config.update(fields.pop("config", {}))
        hook = {"id": 100 + len(self.hooks), "name": "web", "active": True, "events": ["push"], "config": config}
        hook.update(fields, created_at=self.now(), updated_at=self.now())
        self.hooks.append(hook)
        self.deliveries[hook["id"]] = []
        return hook

    def deliver(self, hook, event, payload=None):
        """Send an event to the receiver and keep the delivery in the log, newest first."""
        self.clock += 1
        payload = payload or {"zen": "Keep it logically awesome. \u00e9", "hook_id": hook["id"]}
        secret = hook["config"].get("secret", "")
        text = json.dumps(payload, separators=(",", ":"), ensure_ascii=False)
        signature = "sha256=" + hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()
        status = 502 if self.accepted_key is None else 200 if secret == self.accepted_key else 403
        delivery = {
            "id": 9000 + self.clock,
            "event": event,
            "delivered_at": self.now(),
            "status_code": status,
            "status": "OK" if status == 200 else f"Invalid HTTP Response: {status}",
        }
        request = {"headers": {"X-Hub-Signature-256": signature}, "payload": payload}
        self.deliveries[hook["id"]].insert(0, dict(delivery, request=request))

    def now(self):
        """Return the time of a clock that tests advance."""
        return f"2026-01-01T00:{self.clock // 60:02d}:{self.clock % 60:02d}Z"

    def answer(self, request):
        """Return the status and the body of the answer, or raise Refusal."""
        if request.headers["Authorization"] != "Bearer " + self.token:
            raise Refusal(401, {"message": "Bad credentials", "documentation_url": "https://docs.github.com/rest"})
        base = "/repos/example/site/hooks"
        if not request.path.startswith(base):
            raise Refusal(404, {"message": "Not Found", "documentation_url": "https://docs.github.com/rest"})
        parts = [part for part in request.path[len(base) :].split("/") if part]
        if not parts:
            return self._collection(request)
        hook = next((each for each in self.hooks if each["id"] == int(parts[0])), None)
        if hook is None:
            raise Refusal(404, {"message": "Not Found"})
        action = {
            (): self._hook,
            ("config",): self._config,
            ("pings",): self._ping,
            ("deliveries",): self._deliveries,
        }
        if len(parts) == 3:
            assert parts[1] == "deliveries"
            return 200, next(each for each in self.deliveries[hook["id"]] if each["id"] == int(parts[2]))
        return action[tuple(parts[1:])](request, hook)

    def _collection(self, request):
        if request.method == "GET":
            size, page = int(request.query["per_page"]), int(request.query["page"])
            return 200, [_shown(hook) for hook in self.hooks[(page - 1) * size : page * size]]
        assert request.method == "POST"
        body = request.body
        assert set(body) == {"name", "active", "events", "config"}
        assert body["name"] == "web"
        if any(hook["config"]["url"] == body["config"]["url"] for hook in self.hooks):
            raise Refusal(422, {"message": "Validation Failed", "errors": [{"message": "Hook already exists"}]})
        self.clock += 1
        hook = self.add(active=body["active"], events=body["events"], config=self._checked(body["config"]))
        self._send_ping(hook)
        return 201, _shown(hook)

    def _hook(self, request, hook):
        if request.method == "DELETE":
            self.hooks.remove(hook)
            return 204, None
        assert request.method == "PATCH"
        self._changed(hook)
        if "config" in request.body:
            hook["config"] = self._checked(request.body["config"])
        hook.update((name, value) for name, value in request.body.items() if name in ("active", "events"))
        return 200, _shown(hook)

    def _config(self, request, hook):
        assert request.method == "PATCH"
        self._changed(hook)
        hook["config"].update(self._checked(request.body))
        return 200, _shown(hook)["config"]

    def _ping(self, request, hook):
        assert request.method == "POST"
        self._send_ping(hook)
        return 204, None

    def _send_ping(self, hook):
        if self.pings:
            self._under_way.append([self.slow, hook])
        self._look()

    def _look(self):
        for each in list(self._under_way):
            if each[0] == 0:
                self._under_way.remove(each)
                self.deliver(each[1], "ping")
            each[0] -= 1

    def _deliveries(self, request, hook):
        assert request.method == "GET"
        self._look()
        kept = self.deliveries[hook["id"]]
        return 200, [{name: value for name, value in each.items() if name != "request"} for each in kept]

    @staticmethod
    def _checked(config):
        assert config.get("secret") != "********"
        unknown = set(config) - _CONFIG
        if unknown:
            raise Refusal(422, {"message": "Validation Failed", "errors": [f"Invalid config attribute: {unknown}"]})
        return dict(config)

    def _changed(self, hook):
        self.clock += 1
        hook["updated_at"] = self.now()


def _shown(hook):
    config = dict(hook["config"])
    if "secret" in config:
        config["secret"] = "********"
    return dict(hook, config=config)
