# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules of awx.awx, as `ansible` 11 has them, in playbooks as their users write them.

The receiver is told by nothing that it is not AWX; its certificate is checked.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.clients.plays import PLAYBOOKS, Play, Run, make_play
from tests.live import LiveReceiver
from tests.tls import Tls

MODULES = {
    "organization", "credential_type", "credential", "inventory", "group", "host", "project", "job_template", "label",
    "token", "user", "team", "execution_environment", "instance_group", "notification_template", "job_launch",
    "job_wait", "job_list", "job_cancel", "project_update", "workflow_job_template", "workflow_job_template_node",
    "workflow_launch", "workflow_approval", "workflow_node_wait", "export", "import", "controller_api", "controller",
}  # fmt: skip
CHANGES_NOTHING = {"job_list", "job_wait", "organization", "project_update"}
REFUSED = {
    "A field that may not be asked for", "A survey that is not answered", "Wait for the end of what was canceled",
    "What the receiver refuses",
}  # fmt: skip

pytestmark = pytest.mark.timeout(600)  # a module takes about a second, on a busy machine more


@pytest.fixture(scope="module")
def play(receiver: LiveReceiver, collection: Path, tls: Tls, tmp_path_factory: pytest.TempPathFactory) -> Play:
    """Run a playbook and return what its tasks did."""
    return make_play(receiver, collection, tls, tmp_path_factory.mktemp("plays"))


@pytest.fixture(scope="module")
def first(play: Play) -> Run:
    """The run that makes everything."""
    return play("objects")


@pytest.fixture(scope="module")
def jobs(first: Run, play: Play) -> Run:
    """The run that works with it."""
    return play("jobs")


def test_every_task_changes_something(first: Run) -> None:
    assert first.unchanged == []


def test_the_second_run_changes_nothing(first: Run, play: Play) -> None:
    second = play("objects")
    assert second.changed == []
    assert [each.name for each in second.tasks] == [each.name for each in first.tasks]


def test_jobs_tokens_copies_and_the_lookup_work(jobs: Run) -> None:
    """What they return is asserted by the playbook itself."""
    assert {each.name for each in jobs.of_awx if each.status != "ok"} == REFUSED
    unchanged = {each.module.rpartition(".")[2] for each in jobs.of_awx if each.status == "ok" and not each.changed}
    assert unchanged <= CHANGES_NOTHING


def test_workflows_are_made_once(first: Run, play: Play) -> None:
    assert play("workflows").unchanged == []
    assert play("workflows").changed == []


def test_workflows_run_wait_for_approvals_and_end_as_decided(first: Run, play: Play) -> None:
    """What they return is asserted by the playbook itself."""
    failed = {each.name for each in play("workflow_runs").of_awx if each.status != "ok"}
    assert failed == {"Wait for what was denied", "A limit that may not be asked for"}


def test_objects_are_removed_once(jobs: Run, play: Play) -> None:
    assert play("removal").unchanged == []
    assert play("removal").changed == []


def test_every_module_of_the_list_is_covered() -> None:
    """The modules that the project promises; a playbook that loses one fails here."""
    used = set(re.findall(r"awx\.awx\.(\w+)", "".join(file.read_text() for file in PLAYBOOKS.glob("*.yml"))))
    assert used >= MODULES, f"not in any playbook: {sorted(MODULES - used)}"
