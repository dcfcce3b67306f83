# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One of everything in a receiver, with all that the `awx` command exports."""

from __future__ import annotations

import json
from typing import Any

from tests.live import LiveReceiver

VARIABLES = '---\nsite: north  # as it was written\nnested: {list: [1, "two"]}\n'
SECRET = "a secret of the warehouse"


def build_warehouse(receiver: LiveReceiver, git_url: str) -> None:
    """Make the objects."""
    _Builder(receiver, git_url).build()


class _Builder:
    def __init__(self, receiver: LiveReceiver, git_url: str) -> None:
        self.receiver = receiver
        self.git_url = git_url
        self.ids: dict[str, int] = {}

    def build(self) -> None:
        self._organizations()
        self._people()
        self._credentials()
        self._inventories()
        self._projects()
        self._job_templates()
        self._workflows()

    def make(self, kind: str, name: str, /, **fields: Any) -> int:
        """Make an object; `self.ids` knows it by its name from then on."""
        called = {"username": name} if kind == "users" else {"name": name}
        self.ids[name] = made = int(self.receiver.post(f"{kind}/", {**called, **fields})["id"])
        return made

    def put_into(self, path: str, *names: str) -> None:
        """Put objects into a list below another."""
        for name in names:
            self.receiver.post(path, {"id": self.ids[name]})

    def notify(self, kind: str, name: str, **told: str) -> None:
        for moment, template in told.items():
            self.put_into(f"{kind}/{self.ids[name]}/notification_templates_{moment}/", template)

    def type_id(self, name: str) -> int:
        return int(self.receiver.get("credential_types/", name=name)["results"][0]["id"])

    def _organizations(self) -> None:
        image = {"image": "registry.example.com/ee:1"}
        self.make("execution_environments", "everybody's", pull="always", **image)
        self.make("organizations", "Warehouse", max_hosts=7, default_environment=self.ids["everybody's"])
        self.make("organizations", "Yard", description="Next door")
        self.belongs = {"organization": self.ids["Warehouse"]}
        self.make("execution_environments", "own", description="Ours", **image, **self.belongs)
        mail = {"host": "mail.example.com", "port": 25, "username": "w", "password": SECRET, "sender": "w@example.com",
                "recipients": ["crew@example.com"], "use_tls": False, "use_ssl": False, "timeout": 10}  # fmt: skip
        self.make("notification_templates", "mail", notification_type="email", notification_configuration=mail,
                  **self.belongs)  # fmt: skip
        chat = {"url": "https://chat.example.com/hook", "headers": {"X-From": "warehouse"}, "http_method": "PUT"}
        message = {"started": {"message": "{{ job.id }} started", "body": None}}
        self.make("notification_templates", "chat", notification_type="webhook", notification_configuration=chat,
                  messages=message, **self.belongs)  # fmt: skip
        self.notify("organizations", "Warehouse", started="chat", success="chat", error="mail", approvals="mail")

    def _people(self) -> None:
        self.make("users", "ann", password=SECRET, first_name="Ann", last_name="A.", email="ann@example.com")
        self.make("users", "eve", password=SECRET, is_system_auditor=True)
        self.make("users", "root", password=SECRET, is_superuser=True)
        self.make("teams", "crew", description="Carries things", **self.belongs)

    def _credentials(self) -> None:
        fields = [
            {"id": "pin", "type": "string", "label": "PIN", "secret": True},
            {"id": "door", "type": "string", "label": "Door", "choices": ["north", "south"]},
        ]
        injectors = {"env": {"DOOR_PIN": "{{ pin }}"}, "extra_vars": {"door": "{{ door }}"}}
        door = self.make("credential_types", "Door", kind="cloud", description="Opens", injectors=injectors,
                         inputs={"fields": fields, "required": ["pin"]})  # fmt: skip
        self.make("credentials", "door", credential_type=door, inputs={"pin": SECRET, "door": "north"}, **self.belongs)
        for name, kind, inputs in (
            ("machines", "Machine", {"username": "root", "password": SECRET, "become_method": "sudo"}),
            ("machines two", "Machine", {"username": "night"}),
            ("asks", "Machine", {"username": "root", "password": "ASK"}),
            ("statuses", "GitHub Personal Access Token", {"token": SECRET}),
            ("packages", "Ansible Galaxy/Automation Hub API Token", {"url": "https://galaxy.example.com/"}),
            ("vault", "Vault", {"vault_id": "warehouse", "vault_password": SECRET}),
            ("source", "Source Control", {"username": "git", "password": SECRET}),
        ):
            self.make("credentials", name, credential_type=self.type_id(kind), inputs=inputs, **self.belongs)
        self.make("credentials", "ann's", credential_type=self.type_id("Machine"), user=self.ids["ann"])
        self.put_into(f"organizations/{self.ids['Warehouse']}/galaxy_credentials/", "packages")

    def _inventories(self) -> None:
        racks = {"inventory": self.make("inventories", "Racks", variables=VARIABLES, **self.belongs)}
        self.make("inventories", "Empty", organization=self.ids["Yard"])
        self.make("hosts", "rack-1", variables=json.dumps({"height": 3}), **racks)
        self.make("hosts", "rack-2", enabled=False, description="Broken", **racks)
        self.make("hosts", "alone", **racks)
        self.make("groups", "all racks", description="Those that stand", **racks)
        self.make("groups", "low racks", variables=VARIABLES, **racks)
        self.put_into(f"groups/{self.ids['all racks']}/children/", "low racks")
        self.put_into(f"groups/{self.ids['low racks']}/hosts/", "rack-1", "rack-2")

    def _projects(self) -> None:
        # No manual project: for each one `awx import` waits five minutes for an update that never comes, also with AWX.
        self.make("projects", "repository", scm_type="git", scm_url=self.git_url, scm_branch="main", scm_clean=True,
                  allow_override=True, scm_update_on_launch=True, scm_update_cache_timeout=60, timeout=30,
                  default_environment=self.ids["own"], credential=self.ids["source"], **self.belongs)  # fmt: skip
        self.notify("projects", "repository", started="chat", success="chat", error="mail")

    def _job_templates(self) -> None:
        runs = {"project": self.ids["repository"], "inventory": self.ids["Racks"], "playbook": "site.yml"}
        asked = ("variables", "limit", "credential", "inventory", "labels", "execution_environment", "forks")
        self.make("job_templates", "Carry", description="To the door", job_type="check", forks=2, limit="rack-1",
                  verbosity=1, extra_vars=VARIABLES, job_tags="one,two", skip_tags="three", timeout=20, diff_mode=True,
                  become_enabled=True, allow_simultaneous=True, scm_branch="main", webhook_service="github",
                  webhook_credential=self.ids["statuses"], execution_environment=self.ids["own"],
                  **{f"ask_{each}_on_launch": True for each in asked}, **runs)  # fmt: skip
        self.make("job_templates", "Count", project=self.ids["repository"], playbook="site.yml", inventory=None,
                  ask_inventory_on_launch=True, ask_variables_on_launch=True)  # fmt: skip
        below = f"job_templates/{self.ids['Carry']}"
        self.put_into(f"{below}/credentials/", "machines", "vault", "door")
        self._label(below, "heavy")
        self._label(below, "light")
        self._survey(below, "truck", "text")
        self.notify("job_templates", "Carry", started="chat", success="mail", error="mail")

    def _workflows(self) -> None:
        self.make("workflow_job_templates", "Inner", **self.belongs)
        outer = self.make("workflow_job_templates", "Outer", description="All of it", extra_vars=VARIABLES,
                          inventory=self.ids["Racks"], limit="rack-1", allow_simultaneous=True,
                          webhook_service="gitlab", ask_variables_on_launch=True,
                          ask_limit_on_launch=True, **self.belongs)  # fmt: skip
        self._label(f"workflow_job_templates/{outer}", "wide")
        self._survey(f"workflow_job_templates/{outer}", "pin", "password")
        self.notify("workflow_job_templates", "Outer", started="chat", success="chat", error="mail", approvals="mail")
        self._node("Inner", "only", "Count", inventory=self.ids["Racks"])
        self._node("Outer", "first", "Carry", extra_data={"greeting": "racks"}, limit="rack-2", forks=3)
        self._node("Outer", "update", "repository")
        self._node("Outer", "nested", "Inner", all_parents_must_converge=True)
        self._node("Outer", "ask", None)
        ask = f"workflow_job_template_nodes/{self.ids['ask']}/create_approval_template/"
        self.receiver.post(ask, {"name": "May we", "description": "Before the door", "timeout": 60})
        self._node("Outer", "empty", None)
        self.put_into(f"workflow_job_template_nodes/{self.ids['first']}/credentials/", "machines two")
        for parent, edge, child in (
            ("first", "success", "ask"), ("first", "failure", "update"), ("ask", "always", "nested"),
            ("update", "success", "nested"), ("nested", "always", "empty"),
        ):  # fmt: skip
            self.put_into(f"workflow_job_template_nodes/{self.ids[parent]}/{edge}_nodes/", child)

    def _label(self, path: str, name: str) -> None:
        # None that another template has too: `awx import` attaches a label only where it makes it, also with AWX.
        self.make("labels", name, **self.belongs)
        self.put_into(f"{path}/labels/", name)

    def _survey(self, path: str, variable: str, kind: str) -> None:
        question = {
            "question_name": f"Which {variable}", "question_description": "", "required": True, "type": kind,
            "variable": variable, "min": 0, "max": 60, "default": "", "choices": "",
        }  # fmt: skip
        self.receiver.post(f"{path}/survey_spec/", {"name": "", "description": "Asks", "spec": [question]})
        self.receiver.patch(f"{path}/", {"survey_enabled": True})

    def _node(self, workflow: str, identifier: str, runs: str | None, **fields: Any) -> None:
        wanted = {"unified_job_template": self.ids[runs] if runs else None, "identifier": identifier, **fields}
        path = f"workflow_job_templates/{self.ids[workflow]}/workflow_nodes/"
        self.ids[identifier] = int(self.receiver.post(path, wanted)["id"])
