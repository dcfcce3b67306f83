# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection as a user gets it: built from this tree and installed by ansible-galaxy into an empty path."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent

# What a working tree gathers and a published artefact must never hold.
LITTER = (
    ".venv/bin/activate",
    ".cache/wheel.whl",
    "receiver/build/lib/playhook/old.py",
    "receiver/dist/playhook-0.2.0.tar.gz",
    "receiver/src/playhook.egg-info/PKG-INFO",
    "receiver/src/playhook/__pycache__/cli.cpython-311.pyc",
    "receiver/src/playhook/.mypy_cache/x.json",
    "plugins/modules/__pycache__/project.cpython-311.pyc",
    "tests/output/junit.xml",
    "receiver.env",
    "roles/webhook_receiver/files/tls.pem",
    "playhook.sqlite3",
    "playhook.sqlite3-wal",
    "serve.log",
)


def run(*command: str | Path, cwd: Path = TOP, env: Mapping[str, str] | None = None) -> str:
    """Run a command and return what it printed. A failing one fails the test with all of its output."""
    result = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        pytest.fail(f"{' '.join(map(str, command))} exited {result.returncode}:\n{result.stdout}", pytrace=False)
    return result.stdout


@pytest.fixture(scope="session")
def tarball(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the artefact from a littered copy of the tree."""
    tree = tmp_path_factory.mktemp("build") / "tree"
    run(TOP / "tests/tools/copy-tree.sh", tree)
    for name in LITTER:
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text("litter")
    run("ansible-galaxy", "collection", "build", "--output-path", tree.parent, tree)
    (artefact,) = tree.parent.glob("*.tar.gz")
    return artefact


@pytest.fixture(scope="session")
def collections_path(tarball: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the artefact and return the directory to name in ANSIBLE_COLLECTIONS_PATH."""
    path = tmp_path_factory.mktemp("installed")
    run("ansible-galaxy", "collection", "install", "--offline", "--collections-path", path, tarball)
    return path


@pytest.fixture(scope="session")
def cache() -> Path:
    """Return the directory, outside the tree, that keeps what is slow to make."""
    default = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "playhook"
    path = Path(os.environ.get("PLAYHOOK_TEST_CACHE") or default)
    path.mkdir(parents=True, exist_ok=True)
    return path
