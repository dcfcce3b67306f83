# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is published: only the project's own files, importable by Galaxy, complete once installed."""

from __future__ import annotations

import json
import re
import subprocess
import tarfile
from pathlib import Path

import pytest
import yaml

from .conftest import BIN, TOP, run

# Made by `ansible-galaxy collection build`.
GENERATED = {"MANIFEST.json", "FILES.json"}
MODULES = {path.stem for path in (TOP / "plugins/modules").glob("*.py")}


def tracked_files() -> set[str]:
    return set(run("git", "ls-files", "--cached", "--others", "--exclude-standard").splitlines())


def artefact_files(tarball: Path) -> set[str]:
    with tarfile.open(tarball) as archive:
        return {member.name for member in archive if not member.isdir()}


def test_holds_nothing_but_the_projects_files(tarball: Path) -> None:
    assert artefact_files(tarball) - GENERATED <= tracked_files()


def test_holds_no_empty_litter_directory(tarball: Path) -> None:
    with tarfile.open(tarball) as archive:
        names = [member.name for member in archive]
    assert [name for name in names if "__pycache__" in name or "egg-info" in name or "/." in name] == []


def test_holds_what_the_role_installs_the_receiver_from(tarball: Path) -> None:
    needed = {name for name in tracked_files() if re.match(r"receiver/(src/|pyproject\.toml$|README\.md$)", name)}
    assert {"receiver/pyproject.toml", "receiver/README.md", "receiver/src/playhook/cli/__init__.py"} <= needed
    assert needed <= artefact_files(tarball)


def test_holds_licence_changelog_and_modules(tarball: Path) -> None:
    modules = {f"plugins/modules/{name}.py" for name in MODULES}
    assert {"LICENSE", "README.md", "CHANGELOG.md", "meta/runtime.yml", *modules} <= artefact_files(tarball)


def test_one_version_everywhere() -> None:
    collection = yaml.safe_load((TOP / "galaxy.yml").read_text())["version"]
    receiver = re.search(r'__version__ = "(.*)"', (TOP / "receiver/src/playhook/__init__.py").read_text())
    assert receiver is not None
    assert receiver[1] == collection
    assert collection in yaml.safe_load((TOP / "changelogs/changelog.yaml").read_text())["releases"]


def test_action_group_lists_every_module_that_talks_to_the_receiver() -> None:
    runtime = yaml.safe_load((TOP / "meta/runtime.yml").read_text())
    assert set(runtime["action_groups"]["all"]) == MODULES - {"repository_webhook"}


def test_changelog_is_what_antsibull_writes(tmp_path: Path) -> None:
    run(TOP / "tests/tools/copy-tree.sh", tmp_path / "tree")
    run("antsibull-changelog", "generate", cwd=tmp_path / "tree")
    assert (tmp_path / "tree/CHANGELOG.md").read_text() == (TOP / "CHANGELOG.md").read_text()


def test_ansible_doc_shows_every_module_and_the_role(collections_path: Path, tmp_path: Path) -> None:
    environment = {"ANSIBLE_COLLECTIONS_PATH": str(collections_path), "ANSIBLE_HOME": str(tmp_path)}
    names = sorted(f"playhook.webhooks.{name}" for name in MODULES)
    modules = json.loads(run("ansible-doc", "--json", *names, cwd=tmp_path, env=environment))
    assert sorted(modules) == names
    for name, page in modules.items():
        assert page["examples"].strip(), name
        assert page["doc"]["short_description"], name
    role = json.loads(
        run("ansible-doc", "--json", "--type=role", "playhook.webhooks.webhook_receiver", cwd=tmp_path, env=environment)
    )
    assert role["playhook.webhooks.webhook_receiver"]["entry_points"]["main"]["options"]


@pytest.fixture(scope="session")
def galaxy_importer(cache: Path) -> Path:
    """Make galaxy-importer's environment: it pins libraries that .venv has newer."""
    environment = cache / "galaxy-importer"
    if not (environment / "complete").exists():
        run(BIN / "python", "-m", "venv", "--clear", environment)
        uv = BIN / "uv"
        pip = (
            [uv, "pip", "install", "--python", environment / "bin/python"]
            if uv.exists()
            else [
                environment / "bin/pip",
                "install",
            ]
        )
        run(*pip, "galaxy-importer")
        (environment / "complete").touch()
    return environment / "bin/python"


def test_galaxy_importer_accepts_it(tarball: Path, galaxy_importer: Path, tmp_path: Path) -> None:
    config = tmp_path / "galaxy-importer.cfg"
    config.write_text("[galaxy-importer]\nRUN_ANSIBLE_TEST = False\nCHECK_CHANGELOG = True\n")
    result = subprocess.run(
        [galaxy_importer, "-m", "galaxy_importer.main", tarball],
        cwd=tmp_path,
        env={
            "PATH": f"{galaxy_importer.parent}:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(tmp_path),
            "GALAXY_IMPORTER_CONFIG": str(config),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    log = result.stdout + result.stderr
    assert result.returncode == 0, log
    assert "Importer processing completed successfully" in log, log
    complaints = [line for line in log.splitlines() if line.startswith(("WARNING", "ERROR"))]
    # It counts the lines of tests/sanity/ignore-*.txt, each of which says why it is there.
    assert [line for line in complaints if "Ignore files skip ansible-test" not in line] == [], log
