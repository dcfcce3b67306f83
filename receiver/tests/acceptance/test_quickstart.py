# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/quickstart.md, typed as it stands: all of its commands but the installation, which .venv stands in for."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from tests.live import free_port

TOP = Path(__file__).parents[3]


def commands_of(page: Path) -> list[str]:
    return [
        each.content for each in MarkdownIt().parse(page.read_text()) if each.type == "fence" and each.info == "bash"
    ]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """The environment after the page's first step, without anything of the caller's that could stand in for it."""
    collections = tmp_path / "collections"
    collection = collections / "ansible_collections/playhook/webhooks"
    collection.parent.mkdir(parents=True)
    collection.symlink_to(TOP)
    kept = {name: os.environ[name] for name in ("HOME", "LANG", "TMPDIR") if name in os.environ}
    search = [str(Path(sys.executable).parent), os.environ["PATH"]]
    return {**kept, "PATH": os.pathsep.join(search), "ANSIBLE_COLLECTIONS_PATH": str(collections)}


def test_the_quickstart_does_what_it_says(environment: dict[str, str], tmp_path: Path) -> None:
    install, *steps = commands_of(TOP / "docs/quickstart.md")
    assert "pip install" in install
    port = free_port()
    # Where a step fails, the receiver that the page starts in the background must not stay.
    clean_up = "trap 'left=$(jobs -p); [ -z \"$left\" ] || kill $left' EXIT"
    script = "\n".join(["set -em", clean_up, f"export PLAYHOOK_PORT={port}", *steps])
    result = subprocess.run(
        ["bash", "-c", script.replace(":8052", f":{port}")],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    told = f"{result.stdout}\n{result.stderr}\n{(tmp_path / 'serve.log').read_text()}"
    assert result.returncode == 0, told
    assert f"http://127.0.0.1:{port}/api/v2/job_templates/2/github/" in result.stdout, told
    assert '{"message":"Job queued.","job":1,"delivery":1}' in result.stdout, told
    assert '"msg": "example/site: Add {{ nothing }}"' in result.stdout, told
    assert re.search(r'"outcome": "launched"', result.stdout), told
