# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules of awx.awx for every other kind of object, with all that may be attached, their states and check mode."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.clients.plays import BIN, PLAYBOOKS, Play, Run, make_environment, make_play
from tests.live import LiveReceiver
from tests.tls import Tls

KINDS = (
    "organizations", "users", "teams", "credential_types", "credentials", "inventories", "groups", "hosts", "projects",
    "job_templates", "workflow_job_templates", "workflow_job_template_nodes", "labels", "instance_groups",
    "execution_environments", "notification_templates",
)  # fmt: skip

pytestmark = pytest.mark.timeout(600)  # a module takes about a second, on a busy machine more


@pytest.fixture(scope="module")
def play(receiver: LiveReceiver, collection: Path, tls: Tls, tmp_path_factory: pytest.TempPathFactory) -> Play:
    """Run a playbook and return what its tasks did."""
    return make_play(receiver, collection, tls, tmp_path_factory.mktemp("plays"))


@pytest.fixture(scope="module")
def depot(play: Play) -> Run:
    """The run that makes everything."""
    return play("depot")


def everything(receiver: LiveReceiver) -> dict[str, Any]:
    """Return every object as the API lists it, but for when it was last written: some modules write what is there."""
    listed = {kind: receiver.get(f"{kind}/", page_size=200)["results"] for kind in KINDS}
    for each in (each for results in listed.values() for each in results):
        del each["modified"]
        each["summary_fields"].pop("modified_by", None)
    return listed


def test_every_object_is_made_once(depot: Run, play: Play, receiver: LiveReceiver) -> None:
    assert depot.unchanged == ["Group that keeps what it has"]
    before = everything(receiver)
    assert play("depot").changed == []
    assert everything(receiver) == before


def test_what_exists_stays_as_it_is(depot: Run, play: Play, receiver: LiveReceiver) -> None:
    before = everything(receiver)
    assert play("states").changed == []
    assert everything(receiver) == before


def test_check_mode_says_what_would_change(depot: Run, play: Play, receiver: LiveReceiver) -> None:
    before = everything(receiver)
    assert play("changes", "--check").unchanged == []
    assert everything(receiver) == before


def test_export_and_import_work(depot: Run, play: Play, awx_command: Path) -> None:
    """What they return is asserted by the playbook itself."""
    assert play("moves", awxkit_python=str(awx_command.parent / "python")).changed == ["Import"]


def test_an_inventory_is_read_by_the_plugin(depot: Run, receiver: LiveReceiver, collection: Path, tls: Tls) -> None:
    inventory = receiver.get("inventories/", name="Gates")["results"][0]
    environment = make_environment(receiver, collection, tls) | {"CONTROLLER_INVENTORY": str(inventory["id"])}
    listing = [str(BIN / "ansible-inventory"), "-i", str(PLAYBOOKS / "controller.yml"), "--list"]
    printed = subprocess.run(listing, env=environment, capture_output=True, text=True, timeout=60, check=True)
    listed = json.loads(printed.stdout, object_hook=lambda each: each.get("__ansible_unsafe", each))
    assert (listed["north"]["hosts"], listed["all gates"]["children"]) == (["gate-1", "gate-2"], ["north"])
    variables = listed["_meta"]["hostvars"]["gate-1"]
    assert (variables["address"], variables["site"], variables["shift"]) == ("gate-1.example.com", "north", "day")
    assert (variables["nested"], variables["remote_tower_enabled"]) == ({"list": [1, "two"]}, "true")
    assert variables["controller_metadata"]["version"].startswith("24.")


def test_everything_can_be_changed_copied_and_removed(depot: Run, play: Play, receiver: LiveReceiver) -> None:
    assert play("changes").unchanged == []
    assert play("clearance").unchanged == []
    assert play("clearance").changed == []
