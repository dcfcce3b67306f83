# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Servers in memory, and modules that talk to them."""

from __future__ import annotations

import pytest
from ansible.module_utils.basic import AnsibleModule
from ansible_collections.playhook.webhooks.plugins.module_utils import _http
from ansible_collections.playhook.webhooks.tests.unit.fakes.controller import FakeController
from ansible_collections.playhook.webhooks.tests.unit.fakes.github import FakeGitHub
from ansible_collections.playhook.webhooks.tests.unit.fakes.gitlab import FakeGitLab
from ansible_collections.playhook.webhooks.tests.unit.fakes.run import PLANTED, Runner


@pytest.fixture
def receiver(monkeypatch):
    """A Playhook receiver."""
    return _serve(monkeypatch, FakeController(playhook=True))


@pytest.fixture
def awx(monkeypatch):
    """An AWX, which has nothing of ours."""
    return _serve(monkeypatch, FakeController(playhook=False))


@pytest.fixture(params=["receiver", "awx"])
def controller(request):
    """A Playhook receiver, then an AWX."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def github(monkeypatch):
    """A GitHub with the repository example/site."""
    return _serve(monkeypatch, FakeGitHub())


@pytest.fixture
def gitlab(monkeypatch):
    """A GitLab with the project group/site."""
    return _serve(monkeypatch, FakeGitLab())


@pytest.fixture
def run(capsys, monkeypatch):
    """Run a module against the receiver or the AWX; no output may hold a planted secret."""
    yield from _runner(
        capsys,
        monkeypatch,
        controller_host=FakeController.host,
        controller_username="admin",
        controller_password=FakeController.password,
    )


@pytest.fixture
def run_github(capsys, monkeypatch):
    """Run a module against GitHub; no output may hold a planted secret."""
    yield from _runner(capsys, monkeypatch, service="github", repository="example/site", token=FakeGitHub.token)


@pytest.fixture
def run_gitlab(capsys, monkeypatch):
    """Run a module against GitLab; no output may hold a planted secret."""
    yield from _runner(capsys, monkeypatch, service="gitlab", repository="group/site", token=FakeGitLab.token)


def _serve(monkeypatch, server):
    monkeypatch.setattr(_http, "open_url", server.open_url)
    return server


def _runner(capsys, monkeypatch, **common):
    for variable in ("CONTROLLER_HOST", "CONTROLLER_USERNAME", "CONTROLLER_PASSWORD", "CONTROLLER_OAUTH_TOKEN"):
        monkeypatch.delenv(variable, raising=False)
    for variable in ("GITHUB_TOKEN", "GITLAB_TOKEN"):
        monkeypatch.delenv(variable, raising=False)
    runner = Runner(capsys, common)
    monkeypatch.setattr(AnsibleModule, "warn", runner.warn)
    yield runner
    assert [output for output in runner.outputs if PLANTED in output] == []
