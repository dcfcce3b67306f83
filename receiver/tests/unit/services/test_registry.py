# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services are found by folder and by entry point; a bad plugin is a sentence, not a traceback."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from playhook.errors import SettingsError
from playhook.services.registry import load_services
from playhook.store.managed_types import MANAGED_TYPES

PLUGIN = """
class {cls}:
    name = {name!r}
    label = "Ninth"
    credential_type = None
    def verify(self, delivery, keys, options): ...
    def parse(self, delivery): ...
    def status_request(self, target, status, credential): ...
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Put a package with one entry point on the path, as pip would."""

    def put(source: str, target: str) -> None:
        (tmp_path / "ninth_plugin.py").write_text(source)
        info = tmp_path / "ninth_plugin-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: ninth-plugin\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[playhook.services]\nninth = {target}\n")
        monkeypatch.syspath_prepend(str(tmp_path))

    yield put
    sys.modules.pop("ninth_plugin", None)


def test_the_services_of_the_folder_are_found() -> None:
    services = load_services()

    found = {name: (service.label, service.credential_type) for name, service in services.items()}
    assert (
        found.items()
        >= {
            "azure_devops": ("Azure DevOps", "azure_devops_token"),
            "bitbucket_cloud": ("Bitbucket Cloud", "bitbucket_cloud_token"),
            "bitbucket_dc": ("Bitbucket Data Center", "bitbucket_dc_token"),
            "gitea": ("Gitea, Forgejo, Gogs", "gitea_token"),
            "github": ("GitHub", "github_token"),
            "gitlab": ("GitLab", "gitlab_token"),
        }.items()
    )


def test_the_credential_types_of_services_exist_after_those_of_awx() -> None:
    namespaces = [managed.namespace for managed in MANAGED_TYPES]
    awx = ["ssh", "scm", "vault", "github_token", "gitlab_token", "bitbucket_dc_token", "registry", "galaxy_api_token"]
    wanted = {service.credential_type for service in load_services().values()} - {None}

    assert namespaces[:8] == awx  # whose ids must not move
    assert wanted <= set(namespaces)


def test_an_installed_package_brings_another(install) -> None:
    install(PLUGIN.format(cls="Ninth", name="ninth"), "ninth_plugin:Ninth")

    assert "ninth" in load_services()


@pytest.mark.parametrize(
    ("source", "target", "sentence"),
    [
        (
            "raise RuntimeError('no saw')",
            "ninth_plugin:Ninth",
            r"ninth \(ninth_plugin:Ninth\) cannot be loaded: no saw",
        ),
        ("", "ninth_plugin:Ninth", "cannot be loaded"),
        ("", "ninth_missing:Ninth", "cannot be loaded: No module named 'ninth_missing'"),
        ("Ninth = 9", "ninth_plugin:Ninth", "is not a class"),
        ("class Ninth: name = 'ninth'", "ninth_plugin:Ninth", "has no label, credential_type, verify, parse, status_r"),
        (PLUGIN.format(cls="Ninth", name="../x"), "ninth_plugin:Ninth", "has a name that is not a word"),
        (
            PLUGIN.format(cls="Ninth", name="github"),
            "ninth_plugin:Ninth",
            "Two service plugins are named github: .*Ninth",
        ),
    ],
)
def test_a_bad_plugin_is_a_settings_error(install, source: str, target: str, sentence: str) -> None:
    install(source, target)

    with pytest.raises(SettingsError, match=sentence):
        load_services()
