# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is prepared for a job: options, environment, addresses, names of branches, paths, keys."""

from __future__ import annotations

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from playhook.errors import JobCannotRun
from playhook.store.job_inputs import Credential, ProjectRow
from playhook.worker.environment import job_environment
from playhook.worker.git_checkout import check_ref
from playhook.worker.paths import resolve_inside
from playhook.worker.private_dir import private_dir, remove_left_overs, scratch_of, write_private
from playhook.worker.scm_access import open_scm_access
from playhook.worker.ssh_keys import unlock_key


def project(**columns: Any) -> ProjectRow:
    values = {
        "id": 1,
        "name": "plays",
        "scm_type": "git",
        "scm_url": "https://git.example.com/a/b.git",
        "scm_branch": "",
        "scm_refspec": "",
        "scm_revision": "",
        "scm_clean": False,
        "scm_track_submodules": False,
        "scm_delete_on_update": False,
        "scm_update_on_launch": False,
        "scm_update_cache_timeout": 0,
        "allow_override": False,
        "local_path": "",
        "timeout": 0,
        "last_job_run": None,
        "credential_id": None,
    }
    return ProjectRow(**{**values, **columns})


@pytest.mark.parametrize(
    "url",
    [
        "https://git.example.com/a/b.git",
        "http://git.example.com:8080/a",
        "ssh://git@git.example.com:22/a.git",
        "git@git.example.com:a/b.git",
        "git://git.example.com/a",
        "file:///srv/git/a",
        "/srv/git/a b",
    ],
)
def test_addresses_that_git_may_be_given(tmp_path: Path, url: str) -> None:
    access = open_scm_access(project(scm_url=url), tmp_path, tmp_path / "known_hosts")

    assert access.url == url
    assert access.environment["GIT_ALLOW_PROTOCOL"] == "https:http:ssh:git:file"
    assert access.environment["GIT_TERMINAL_PROMPT"] == "0"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ext::sh -c id",
        "fd::3",
        "-oProxyCommand=id",
        "--upload-pack=id",
        "javascript:alert(1)",
        "ftp://host/x",
        "https:host",
        "host:-oProxyCommand=id",
        "host:plays.git",
        "a@-oProxyCommand=id:x",
        "relative/path",
        "https://host/a\nb",
    ],
)
def test_addresses_that_are_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(JobCannotRun, match='the repository of project "plays" must be'):
        open_scm_access(project(scm_url=url), tmp_path, tmp_path / "known_hosts")


def test_a_password_leaves_the_address_and_goes_to_a_file(tmp_path: Path) -> None:
    url = "https://ada:s%40cret@git.example.com:8443/a.git"

    access = open_scm_access(project(scm_url=url), tmp_path, tmp_path / "known_hosts")

    assert access.url == "https://ada@git.example.com:8443/a.git"
    assert "s@cret" not in repr(access.environment)
    answers = {
        prompt: subprocess.run([access.environment["GIT_ASKPASS"], prompt], capture_output=True, text=True, check=False)
        for prompt in (
            "Username for 'https://git.example.com:8443': ",
            "Password for 'https://ada@git.example.com:8443': ",
            "Password for 'https://ada@evil.example.com': ",
            "Password for 'https://ada@git.example.com:8443.evil.example.com': ",
        )
    }
    assert [(each.returncode, each.stdout.strip()) for each in answers.values()] == [
        (0, "ada"),
        (0, "s@cret"),
        (1, ""),
        (1, ""),
    ]
    assert {oct(path.stat().st_mode & 0o077) for path in tmp_path.iterdir()} == {"0o0"}


def test_the_key_of_a_source_control_credential_is_used_alone(tmp_path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "pass phrase", "-f", tmp_path / "id"], check=True)
    inputs = {"ssh_key_data": (tmp_path / "id").read_text(), "ssh_key_unlock": "pass phrase"}
    credential = Credential(id=1, name="git", kind="scm", namespace="scm", inputs=inputs)
    private = tmp_path / "private"
    private.mkdir()

    access = open_scm_access(project(scm_url="git@host:a", credential=credential), private, tmp_path / "known hosts")

    command = access.environment["GIT_SSH_COMMAND"]
    assert "IdentitiesOnly=yes" in command
    assert f"'UserKnownHostsFile={tmp_path}/known hosts'" in command
    assert "StrictHostKeyChecking=accept-new" in command
    listed = subprocess.run(["ssh-keygen", "-y", "-P", "", "-f", private / "key"], capture_output=True, check=True)
    assert listed.stdout.split()[1] == (tmp_path / "id.pub").read_bytes().split()[1]


@pytest.mark.parametrize(
    "ref", ["", "main", "feature/a-b_c", "v1.2.3", "release/2.x", "a" * 40, "refs/heads/main", "ü"]
)
def test_refs_that_may_be_given(ref: str) -> None:
    check_ref(ref, project())


@pytest.mark.parametrize(
    "ref",
    ["-x", "--upload-pack=id", "a..b", "a b", "a~1", "a^", "a:b", "a?", "a*", "a[b", "a\\b", "/a", "a/", "a.", ".a",
     "a//b", "a@{1}", "a.lock", "x/.y", "a\nb", "a\x7fb", "a\x00b"],
)  # fmt: skip
def test_refs_that_are_refused(ref: str) -> None:
    with pytest.raises(JobCannotRun, match="cannot be a branch, tag or commit"):
        check_ref(ref, project())


@pytest.mark.parametrize("given", ["../x", "a/../../x", "/etc/passwd", "link/x", "missing", "a\0b", "loop"])
def test_paths_stay_inside(tmp_path: Path, given: str) -> None:
    (tmp_path / "root" / "a").mkdir(parents=True)
    (tmp_path / "x").touch()
    (tmp_path / "root" / "link").symlink_to(tmp_path)
    (tmp_path / "root" / "loop").symlink_to("loop")

    with pytest.raises(JobCannotRun, match=r"^the thing "):
        resolve_inside(tmp_path / "root", given, "the thing")


def test_the_environment_is_a_list_of_what_may_pass(tmp_path: Path) -> None:
    outer = {
        "PATH": "/usr/bin",
        "LANG": "C.UTF-8",
        "PLAYHOOK_ADMIN_PASSWORD": "x",
        "CONTROLLER_PASSWORD": "x",
        "ANSIBLE_VAULT_PASSWORD_FILE": "x",
        "ANSIBLE_TIMEOUT": "33",
        "HOME": "/home/service",
        "SSH_AUTH_SOCK": "/agent",
        "GITHUB_TOKEN": "x",
    }
    (tmp_path / "plays").mkdir()
    (tmp_path / "plays" / "ansible.cfg").write_text("[defaults]\nroles_path = my_roles:/opt/roles\n")

    environment = job_environment(tmp_path, tmp_path / "plays", tmp_path / "required", outer)

    assert set(environment) & set(outer) == {"PATH", "LANG", "ANSIBLE_TIMEOUT", "HOME"}
    assert environment["HOME"] == str(tmp_path / "home")
    assert environment["PATH"].endswith(":/usr/bin")
    assert environment["ANSIBLE_ROLES_PATH"].split(":")[:4] == [
        str(tmp_path / "plays" / "my_roles"),
        "/opt/roles",
        str(tmp_path / "plays" / "roles"),
        str(tmp_path / "required" / "roles"),
    ]


@pytest.mark.parametrize("target", ["/dev/zero", "pipe", "../outside.cfg", "ansible.cfg"])
def test_an_ansible_cfg_that_is_no_file_of_the_project_is_not_read(tmp_path: Path, target: str) -> None:
    project_dir = tmp_path / "plays"
    project_dir.mkdir()
    os.mkfifo(project_dir / "pipe")
    (tmp_path / "outside.cfg").write_text("[defaults]\nroles_path = /opt/outside\n")
    (project_dir / "ansible.cfg").symlink_to(target)

    environment = job_environment(tmp_path, project_dir, None, {})

    assert environment["ANSIBLE_ROLES_PATH"].split(":")[0] == str(project_dir / "roles")


def test_a_private_directory_is_fresh_and_removed(tmp_path: Path) -> None:
    with private_dir(tmp_path, 7) as directory:
        assert oct(directory.stat().st_mode & 0o777) == "0o700"
        file = write_private(directory / "a", b"x")
        assert oct(file.stat().st_mode & 0o777) == "0o600"
        with pytest.raises(FileExistsError):
            write_private(directory / "a", b"y")
        with pytest.raises(FileExistsError), private_dir(tmp_path, 7):
            pass
        (directory / "locked").mkdir()
        (directory / "locked" / "file").touch()
        (directory / "locked").chmod(0)
    assert list((tmp_path / "run").iterdir()) == []

    (tmp_path / "run" / "8").mkdir()
    remove_left_overs(tmp_path)
    assert not (tmp_path / "run").exists()


def test_a_long_state_directory_gets_its_sockets_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "system"))
    (tmp_path / "system").mkdir()
    home = tmp_path / ("long" * 20)

    with private_dir(home, 7) as directory:
        scratch = scratch_of(directory)
        assert scratch.is_dir()
        assert directory not in scratch.parents
        assert oct(scratch.parent.stat().st_mode & 0o777) == "0o700"
    assert list((tmp_path / "system").iterdir()) == []

    scratch.mkdir(parents=True)
    remove_left_overs(home)
    assert not scratch.parent.exists()
    scratch.parent.mkdir(mode=0o755)
    with pytest.raises(JobCannotRun, match="belongs to somebody else"), private_dir(home, 8):
        pass


def test_jobs_that_begin_and_end_at_once_share_the_place_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last one to end takes the place along, also when another one has just looked at it."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    home = tmp_path / ("long" * 20)

    def run(number: int) -> bool:
        with private_dir(home, number) as directory:
            return scratch_of(directory).is_dir()

    with ThreadPoolExecutor(4) as threads:
        assert all(threads.map(run, range(500)))
    assert list(tmp_path.iterdir()) == [home]


def test_a_short_state_directory_holds_everything() -> None:
    assert scratch_of(Path("/var/lib/playhook/run/7")) == Path("/var/lib/playhook/run/7/tmp")


@pytest.mark.parametrize("options", [("-t", "ed25519"), ("-t", "rsa", "-m", "PEM"), ("-t", "ecdsa", "-m", "PKCS8")])
def test_keys_are_unlocked_and_wrong_passphrases_told(tmp_path: Path, options: tuple[str, ...]) -> None:
    command = ["ssh-keygen", "-q", "-b", "2048" if "rsa" in options else "256", *options, "-N", "right", "-f"]
    subprocess.run([*command, tmp_path / "id"], check=True)
    locked = (tmp_path / "id").read_text()

    unlocked = write_private(tmp_path / "unlocked", unlock_key(locked, "right", "mine").encode())

    listed = subprocess.run(["ssh-keygen", "-y", "-P", "", "-f", unlocked], capture_output=True, check=True)
    assert listed.stdout.split()[1] == (tmp_path / "id.pub").read_bytes().split()[1]
    assert unlock_key(unlocked.read_text(), "not needed", "mine") == unlocked.read_text()
    with pytest.raises(JobCannotRun, match='the passphrase in credential "mine" does not open'):
        unlock_key(locked, "wrong", "mine")
    with pytest.raises(JobCannotRun, match='credential "mine" has a passphrase'):
        unlock_key(locked, "", "mine")
