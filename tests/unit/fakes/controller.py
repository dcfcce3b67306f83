# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A receiver or an AWX in memory: the AWX API v2 as far as the modules use it, and strict about the rest."""

from __future__ import annotations

import base64
import hashlib

from ansible_collections.playhook.webhooks.tests.unit.fakes.groups import FakeGroups
from ansible_collections.playhook.webhooks.tests.unit.fakes.http import FakeServer, Refusal
from ansible_collections.playhook.webhooks.tests.unit.fakes.objects import (
    DEFAULTS,
    GITHUB_TOKEN,
    MACHINE,
    PLAYHOOK,
    REFERENCES,
    REQUIRED,
    SECRET_INPUTS,
)
from ansible_collections.playhook.webhooks.tests.unit.fakes.workflows import FakeWorkflows

_PAGE_SIZE = 2  # so that every list of three has two pages
_ENCRYPTED = "$encrypted$"


class FakeController(FakeGroups, FakeWorkflows, FakeServer):
    """One server; playhook says whether it has what AWX has not."""

    host = "https://receiver.example.com"
    password = "pl4nt3d-password"
    token = "pl4nt3d-oauthtoken"

    def __init__(self, playhook):
        super().__init__()
        self.playhook = playhook
        self.objects = {resource: {} for resource in DEFAULTS}
        self.keys = {}
        self.attached = {}
        self.surveys = {}
        self.grace = None
        # What the next project update, or a job, shows from look to look; the last stays.
        self.progress = {}
        self._keys_made = 0
        self.add("organizations", name="Default")
        for kind in (GITHUB_TOKEN, MACHINE):
            self.add("credential_types", **kind)

    def add(self, resource, **fields):
        """Put an object there without a request and return it."""
        ids = [found["id"] for objects in self.objects.values() for found in objects.values()]
        found = dict(DEFAULTS[resource], **fields)
        found.update(id=max(ids, default=0) + 1)
        self.objects[resource][found["id"]] = found
        if found.get("webhook_service"):
            self._make_key(found["id"])
        return found

    def only(self, resource):
        """Return the one object of a resource."""
        (found,) = self.objects[resource].values()
        return found

    def find_type(self, name):
        """Return the id of a credential type."""
        return next(kind["id"] for kind in self.objects["credential_types"].values() if kind["name"] == name)

    def answer(self, request):
        """Return the status and the body of the answer, or raise Refusal."""
        self._authenticate(request)
        assert request.path.startswith("/api/v2/"), request.path
        assert request.path.endswith("/"), request.path
        parts = request.path[len("/api/v2/") : -1].split("/")
        if parts == ["ping"]:
            return 200, dict({"version": "24.6.1"}, **({"playhook": {"version": "0.1.0"}} if self.playhook else {}))
        resource = parts[0]
        assert resource in self.objects, request.path
        if len(parts) == 1:
            return self._list(request, resource) if request.method == "GET" else self._create(request, resource)
        found = self.objects[resource].get(int(parts[1]))
        if found is None:
            raise Refusal(404, {"detail": f"No {resource} matches the given query."})
        if len(parts) == 2:
            return self._detail(request, resource, found)
        return getattr(self, f"_{resource}_{parts[2]}")(request, found)

    def show(self, resource, found):
        """Return an object as the API shows it."""
        shown = dict(found, url=f"/api/v2/{resource}/{found['id']}/")
        shown["summary_fields"] = {}
        for field, other in REFERENCES.get(resource, {}).items():
            if found.get(field):
                target = self.objects[other][found[field]]
                shown["summary_fields"][field] = {"id": target["id"], "name": target["name"]}
        if resource == "credentials":
            secret = SECRET_INPUTS[self.objects["credential_types"][found["credential_type"]]["name"]]
            shown["inputs"] = {
                name: _ENCRYPTED if name in secret and value not in ("", "ASK") else value
                for name, value in found["inputs"].items()
            }
        if resource == "projects" and found.get("update"):
            shown["summary_fields"]["current_update"] = {"id": found["update"], "status": "running"}
        shown.pop("update", None)
        shown.pop("playhook", None)
        if self.playhook and resource in PLAYHOOK:
            shown["playhook"] = dict(PLAYHOOK[resource], **found.get("playhook", {}))
        if "webhook_service" in found and self.playhook:
            shown["playhook"].update(self._webhook_of(resource, found))
        if resource == "workflow_job_template_nodes":
            self.show_node(shown)
        return shown

    def _webhook_of(self, resource, found):
        key = self.keys.get(found["id"]) if found["webhook_service"] else None
        digest = hashlib.sha256(b"playhook-webhook-key:" + key.encode()).hexdigest()[:16] if key else None
        path = f"https://hooks.example.com/api/v2/{resource}/{found['id']}/{found['webhook_service']}/"
        return {"webhook_url": path if key else None, "webhook_key_fingerprint": digest}

    def _authenticate(self, request):
        given = request.headers["Authorization"]
        basic = "Basic " + base64.b64encode(b"admin:" + self.password.encode()).decode()
        if given not in (basic, "Bearer " + self.token):
            raise Refusal(401, {"detail": "Invalid username/password."})

    def _list(self, request, resource, objects=None):
        query = dict(request.query)
        query.pop("page_size", None)
        page = int(query.pop("page", 1))
        either = {query.pop("or__id", None), query.pop("or__name", None)} - {None}
        held = query.pop("credentials__isnull", "True") == "False"
        assert set(query) <= set(DEFAULTS[resource]) | {"organization"}, query
        found = [
            each
            for each in (self.objects[resource].values() if objects is None else objects)
            if all(str(each.get(name)) == value for name, value in query.items())
            and (not either or {str(each["id"]), each["name"]} & either)
            and (not held or self.attached.get(each["id"]))
        ]
        shown = [self.show(resource, each) for each in found[(page - 1) * _PAGE_SIZE : page * _PAGE_SIZE]]
        more = len(found) > page * _PAGE_SIZE
        query = dict(query, page=page + 1, **({"credentials__isnull": "False"} if held else {}))
        following = "&".join(f"{name}={value}" for name, value in query.items())
        return 200, {"count": len(found), "next": f"{request.path}?{following}" if more else None, "results": shown}

    def _create(self, request, resource):
        assert request.method == "POST"
        self._check(request.body, resource)
        missing = [name for name in REQUIRED[resource] if name not in request.body]
        if missing:
            raise Refusal(400, {missing[0]: ["This field is required."]})
        found = self.add(resource, **request.body)
        if resource == "job_templates":
            project = self.objects["projects"].get(found["project"], {})
            found["organization"] = project.get("organization")
        if resource == "projects" and found["scm_type"]:
            found["update"] = self._start_update()
        return 201, self.show(resource, found)

    def _detail(self, request, resource, found):
        if request.method == "DELETE":
            del self.objects[resource][found["id"]]
            self.edges = {pair: kind for pair, kind in self.edges.items() if found["id"] not in pair}
            return (202 if resource == "inventories" and not self.playhook else 204), None
        if request.method == "PATCH":
            self._check(request.body, resource)
            self._patch(resource, found, request.body)
        else:
            assert request.method == "GET"
            self._advance(found)
        return 200, self.show(resource, found)

    def _patch(self, resource, found, body):
        changes = dict(body)
        if resource == "credentials" and "inputs" in changes:
            kept = found["inputs"]
            changes["inputs"] = {
                name: kept[name] if value == _ENCRYPTED else value for name, value in changes["inputs"].items()
            }
        service = changes.get("webhook_service", found.get("webhook_service"))
        switched = service != found.get("webhook_service")
        if "playhook" in changes:
            changes["playhook"] = dict(found.get("playhook", {}), **changes["playhook"])
        found.update(changes)
        if switched:
            self._make_key(found["id"]) if service else self.keys.pop(found["id"])

    def _check(self, body, resource):
        if self.playhook:
            unknown = set(body.get("playhook", ())) - set(PLAYHOOK.get(resource, ()))
            assert not unknown, f"{resource}: playhook has no {unknown}"
        unknown = set(body) - set(DEFAULTS[resource]) - ({"playhook"} if self.playhook else set())
        assert not unknown, f"{resource} has no {unknown}"
        for field, other in REFERENCES.get(resource, {}).items():
            if body.get(field) is not None and body[field] not in self.objects[other]:
                raise Refusal(400, {field: [f'Invalid pk "{body[field]}" - object does not exist.']})
        if body.get("playbook") == "missing.yml":
            raise Refusal(400, {"playbook": ["Playbook not found for project."]})

    def _advance(self, found):
        steps = self.progress.get(found["id"])
        if steps:
            found.update(steps.pop(0))

    def _make_key(self, template):
        self._keys_made += 1
        self.keys[template] = f"pl4nt3d-key-{self._keys_made:038d}"

    def _start_update(self):
        steps = self.progress.pop("update", [{"status": "successful", "finished": "now"}])
        update = self.add("project_updates", status="pending")
        self.progress[update["id"]] = list(steps)
        return update["id"]

    def _credentials_compare(self, request, found):
        assert request.method == "POST"
        if not self.playhook:
            raise Refusal(404, {"detail": "The requested resource could not be found."})
        held = found["inputs"]
        wanted = request.body["inputs"]
        compared = {
            name: ("same" if held[name] == value else "different") if held.get(name) else "unset"
            for name, value in wanted.items()
        }
        return 200, {"inputs": compared}

    def _projects_update(self, request, found):
        assert request.method == "POST"
        found["update"] = self._start_update()
        return 202, {"id": found["update"], "url": f"/api/v2/project_updates/{found['update']}/"}

    def _inventories_hosts(self, request, found):
        if request.method == "GET":
            hosts = [host for host in self.objects["hosts"].values() if host["inventory"] == found["id"]]
            return self._list(request, "hosts", hosts)
        assert request.method == "POST"
        self._check(request.body, "hosts")
        return 201, self.show("hosts", self.add("hosts", inventory=found["id"], **request.body))

    def _job_templates_credentials(self, request, found):
        attached = self.attached.setdefault(found["id"], [])
        if request.method == "GET":
            return self._list(request, "credentials", [self.objects["credentials"][each] for each in attached])
        if request.body.get("disassociate"):
            attached.remove(request.body["id"])
        else:
            kinds = [self.objects["credentials"][each]["credential_type"] for each in attached]
            if self.objects["credentials"][request.body["id"]]["credential_type"] in kinds:
                raise Refusal(400, {"error": "Cannot assign multiple Machine credentials."})
            attached.append(request.body["id"])
        return 204, None

    def _workflow_job_templates_survey_spec(self, request, found):
        return self._job_templates_survey_spec(request, found)

    def _job_templates_survey_spec(self, request, found):
        if request.method == "GET":
            survey = self.surveys.get(found["id"])
            return 200, dict(survey, spec=[_masked(each) for each in survey["spec"]]) if survey else {}
        if request.method == "DELETE":
            self.surveys.pop(found["id"])
            return 200, None
        assert request.method == "POST"
        if not request.body.get("spec"):
            raise Refusal(400, {"error": "'spec' doesn't contain any items."})
        self.surveys[found["id"]] = request.body
        return 200, None

    def _workflow_job_templates_webhook_key(self, request, found):
        return self._job_templates_webhook_key(request, found)

    def _job_templates_webhook_key(self, request, found):
        if request.method == "GET":
            return 200, {"webhook_key": self.keys.get(found["id"], "")}
        assert request.method == "POST"
        assert set(request.body) <= {"webhook_key", "grace"}
        self._make_key(found["id"])
        if self.playhook:
            self.grace = request.body.get("grace")
            self.keys[found["id"]] = request.body.get("webhook_key", self.keys[found["id"]])
        return 201, {"webhook_key": self.keys[found["id"]]}


def _masked(question):
    return (
        dict(question, default=_ENCRYPTED) if question["type"] == "password" and question.get("default") else question
    )
