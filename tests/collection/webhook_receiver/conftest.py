# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A booted machine, and Ansible runs of the installed collection's role against it."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ..conftest import BIN, TOP, run
from .machine import USER, CannotBootError, Machine, booted, make_base

WHEELS_INSIDE = "/srv/wheels"
EXTRA_PACKAGE = "jmespath"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a run of ansible-playbook came to."""

    code: int
    changed: int
    output: str


@dataclass(kw_only=True)
class Ansible:
    """Runs playbooks of the installed collection against the machine, and keeps all that was printed."""

    environment: dict[str, str]
    inventory: Path
    printed: list[str] = field(default_factory=list)

    def play(self, playbook: str | Path, *arguments: str, variables: dict[str, Any], fails: bool = False) -> Outcome:
        """Run a playbook. Variables go by file, as secrets must; a run that fails unasked fails the test."""
        values = self.inventory.with_name("variables.json")
        values.write_text(json.dumps(variables))
        command = [BIN / "ansible-playbook", "-i", self.inventory, "-e", f"@{values}", *arguments, playbook]
        result = subprocess.run(
            [str(part) for part in command],
            env=self.environment,
            cwd=self.inventory.parent,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=400,
        )
        self.printed.append(result.stdout)
        if (result.returncode != 0) != fails:
            pytest.fail(f"ansible-playbook exited {result.returncode}:\n{result.stdout}", pytrace=False)
        recap = re.search(r"^receiver .*changed=(\d+)", result.stdout, re.MULTILINE)
        assert recap is not None, result.stdout
        return Outcome(code=result.returncode, changed=int(recap[1]), output=result.stdout)


@dataclass(frozen=True, kw_only=True)
class Planted:
    """Secrets with every character that an environment file, a shell or a template could trip over."""

    admin_password: str = "plant\"ed $HOME `id` %h \\n 'pass' {x} #word=" + secrets.token_hex(4)
    secret_key: str = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


@pytest.fixture(scope="session")
def planted() -> Planted:
    return Planted()


@pytest.fixture(scope="session")
def wheels(cache: Path) -> Path:
    """Collect what pip needs on the machine, which has no network."""
    project = tomllib.loads((TOP / "receiver/pyproject.toml").read_text())
    needed = [*project["project"]["dependencies"], *project["build-system"]["requires"], EXTRA_PACKAGE]
    directory = cache / f"wheels-{hashlib.sha256(json.dumps(needed).encode()).hexdigest()[:12]}"
    if not directory.exists():
        partial = directory.with_name(f"{directory.name}.{os.getpid()}.partial")
        only = ["--only-binary=:all:", "--python-version=3.11"]  # Debian 12's, whatever runs this
        run(sys.executable, "-m", "pip", "download", "--quiet", "--dest", partial, *only, *needed)
        for stale in cache.glob("wheels-*"):
            if not stale.name.endswith(".partial"):
                shutil.rmtree(stale)
        partial.rename(directory)
    return directory


@pytest.fixture(scope="session")
def machine(cache: Path, wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    if os.geteuid() != 0:
        pytest.fail(
            "The role's test boots a container, which needs root: run `make role-test` as root. "
            "`make test SKIP=role-test` runs all the rest.",
            pytrace=False,
        )
    try:
        with booted(make_base(cache), tmp_path_factory.mktemp("machine"), read_only={wheels: WHEELS_INSIDE}) as machine:
            yield machine
    except CannotBootError as error:
        pytest.fail(
            f"The role's test needs a machine that can boot a systemd-nspawn container, and this one cannot: {error}\n"
            "`make test SKIP=role-test` runs all the rest.",
            pytrace=False,
        )


@pytest.fixture(scope="session")
def make_ansible(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Ansible]:
    """Return a function that gives an Ansible for the collections in a path."""
    directory = tmp_path_factory.mktemp("ansible")
    inventory = directory / "inventory.json"
    host = {
        "ansible_user": USER,
        "ansible_python_interpreter": "/usr/bin/python3",
        "ansible_ssh_private_key_file": str(machine.key),
        "ansible_ssh_common_args": machine.ssh_options,
    }
    inventory.write_text(json.dumps({"all": {"hosts": {"receiver": host}}}))

    def make(collections: Path) -> Ansible:
        environment = {
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "HOME": str(directory),
            "LC_ALL": "C.UTF-8",
            "ANSIBLE_COLLECTIONS_PATH": str(collections),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_PIPELINING": "1",
            "ANSIBLE_SSH_ARGS": "-o ControlMaster=auto -o ControlPersist=30s",
        }
        return Ansible(environment=environment, inventory=inventory)

    return make


@pytest.fixture(scope="session")
def ansible(make_ansible: Callable[[Path], Ansible], collections_path: Path) -> Ansible:
    return make_ansible(collections_path)
