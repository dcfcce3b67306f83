# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real `playhook serve --ssl-certfile`, and the clients' ways to trust it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.published import get_awx_command, get_collection
from tests.live import ADMIN_PASSWORD, LiveReceiver
from tests.tls import Tls, make_tls

SITE = """\
- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.debug: {msg: "hello {{ greeting | default('world') }}"}
"""
LONG = """\
- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.command: sleep 60
"""


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    """The run's certificates."""
    return make_tls(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="session")
def collection() -> Path:
    """Where awx.awx is installed."""
    return get_collection()


@pytest.fixture(scope="session")
def awx_command() -> Path:
    """The `awx` command."""
    return get_awx_command()


def serve(directory: Path, tls: Tls) -> LiveReceiver:
    """Make a receiver with a manual project; nothing runs yet."""
    receiver = LiveReceiver(directory / "home", env={"PLAYHOOK_WORKERS": "2"}, tls=tls)
    project = receiver.home / "projects" / "shop"
    project.mkdir(parents=True)
    (project / "site.yml").write_text(SITE)
    (project / "long.yml").write_text(LONG)
    return receiver


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory, tls: Tls) -> Iterator[LiveReceiver]:
    """One receiver for a module's tests."""
    with serve(tmp_path_factory.mktemp("clients"), tls) as live:
        yield live


def client_environment(receiver: LiveReceiver, tls: Tls) -> dict[str, str]:
    """Return the variables by which AWX's clients find a controller, and the authority for both kinds of client."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PLAYHOOK_", "ANSIBLE_"))}
    return kept | {
        "CONTROLLER_HOST": receiver.url,
        "CONTROLLER_USERNAME": "admin",
        "CONTROLLER_PASSWORD": ADMIN_PASSWORD,
        "CONTROLLER_COLOR": "false",
        "CONTROLLER_REQUEST_TIMEOUT": "60",
        "SSL_CERT_FILE": str(tls.authority),
        "REQUESTS_CA_BUNDLE": str(tls.authority),
        "HOME": str(tls.authority.parent),  # no configuration of whoever runs the tests
    }
