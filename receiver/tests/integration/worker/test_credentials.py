# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Credentials against a real sshd, a real vault file and real accounts."""

from __future__ import annotations

import getpass
import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
from tests.integration.worker.arguments import watched_arguments
from tests.integration.worker.conftest import Bench, both_starts, play, wait_for
from tests.live import free_port

from playhook.store import tables as t
from playhook.worker.private_dir import runs_below, scratch_of

pytestmark = pytest.mark.usefixtures("pool")

SECRET_FIELDS = {
    "ssh": ["password", "ssh_key_data", "ssh_public_key_data", "ssh_key_unlock", "become_password"],
    "vault": ["vault_password"],
    "token": ["token"],
    "external": ["token"],
}
_SSHD = """
Port {port}
ListenAddress 127.0.0.1
HostKey {directory}/host_key
AuthorizedKeysFile {directory}/authorized_keys
TrustedUserCAKeys {directory}/ca.pub
PidFile none
UsePAM no
StrictModes no
PermitRootLogin yes
PasswordAuthentication yes
Subsystem sftp internal-sftp
"""


@dataclass
class Sshd:
    port: int
    directory: Path

    def authorize(self, key: Path) -> None:
        with (self.directory / "authorized_keys").open("a") as file:
            file.write(key.with_suffix(".pub").read_text())

    def host(self, **variables: str) -> str:
        given = {"ansible_host": "127.0.0.1", "ansible_port": str(self.port), **variables}
        return "".join(f"{name}: '{value}'\n" for name, value in given.items()) + (
            f"ansible_python_interpreter: {sys.executable}\n"
        )


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    directory = tmp_path_factory.mktemp("sshd")
    make_key(directory / "host_key")
    make_key(directory / "ca")
    (directory / "authorized_keys").touch()
    port = free_port()
    (directory / "config").write_text(_SSHD.format(port=port, directory=directory))
    program = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
    assert program, "the package openssh-server is not installed"
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    with subprocess.Popen([program, "-D", "-f", directory / "config"], stderr=subprocess.DEVNULL) as started:
        wait_for(lambda: _accepts(port), 60.0)
        yield Sshd(port=port, directory=directory)
        started.terminate()


@pytest.fixture
def accounts() -> Iterator[tuple[tuple[str, str], tuple[str, str]]]:
    """Two accounts with passwords, as long as the test runs."""
    if os.geteuid() != 0:
        pytest.skip("accounts with passwords can only be made by root")
    made = []
    for number in range(2):
        name, password = f"playhook-test-{os.getpid()}-{number}", f"it's $(a) pass word {secrets.token_hex(4)}"
        subprocess.run(["useradd", "--create-home", "--shell", "/bin/sh", name], check=True, capture_output=True)
        made.append((name, password))
        subprocess.run(["chpasswd"], input=f"{name}:{password}", text=True, check=True)
    yield made[0], made[1]
    for name, _ in made:
        wait_for(lambda name=name: end_processes_of(name) == 0, 60.0)
        subprocess.run(["userdel", "--remove", name], check=True, capture_output=True)


def end_processes_of(account: str) -> int:
    """End what an account that a test made still runs; returns how many processes that were."""
    found = [each for each in psutil.process_iter(["username"]) if each.info["username"] == account]
    for each in found:
        with suppress(psutil.Error):
            each.kill()
    return len(found)


def make_key(file: Path, *options: str, passphrase: str = "") -> str:
    """Write a new key pair, and return the private one.

    The passphrase is no argument of ssh-keygen: another test may be watching the arguments of all processes for it.
    """
    answer = file.with_name("askpass")
    answer.write_text('#!/bin/sh\necho "$PASSPHRASE"\n')
    answer.chmod(0o700)
    asked = {"SSH_ASKPASS": str(answer), "SSH_ASKPASS_REQUIRE": "force", "PASSPHRASE": passphrase}
    command = ["ssh-keygen", "-q", "-t", "ed25519", *options, "-f", str(file)]
    subprocess.run(command, check=True, capture_output=True, env=os.environ | asked)
    return file.read_text()


def add_credential(bench: Bench, kind: str, **inputs: str) -> int:
    fields = [{"id": name, "secret": True} for name in SECRET_FIELDS[kind]]
    columns = {"name": f"{kind} {secrets.token_hex(4)}", "kind": kind, "namespace": kind, "injectors": {}}
    type_id = bench.insert(t.credential_types, **columns, inputs={"fields": fields})
    stored = {
        name: bench.store.cipher.encrypt(value) if name in SECRET_FIELDS[kind] and value != "ASK" else value
        for name, value in inputs.items()
    }
    return bench.insert(t.credentials, name=f"my {kind}", credential_type_id=type_id, inputs=stored)


def run_with(bench: Bench, credentials: list[int], files: dict[str, str], **columns: Any) -> Any:
    template = bench.template(files, **columns)
    for credential in credentials:
        bench.store.write(
            lambda tx, credential=credential: tx.connection.execute(
                t.template_credentials.insert().values(template_id=template, credential_id=credential)
            )
        )
    return bench.run(template)


AGENT = "{{ lookup('env', 'SSH_AUTH_SOCK') }}"
WHOAMI = {
    "site.yml": play("{command: id -un, register: out}", f'debug: {{msg: "I am {{{{ out.stdout }}}} with {AGENT}"}}')
}


@both_starts
@pytest.mark.parametrize("options", [(), ("-t", "rsa", "-b", "2048", "-m", "PEM"), ("-t", "ecdsa")])
@pytest.mark.parametrize("passphrase", ["", "a pass 'phrase'"])
def test_a_machine_credentials_key_logs_in(
    bench: Bench, sshd: Sshd, tmp_path: Path, options: tuple[str, ...], passphrase: str
) -> None:
    key = make_key(tmp_path / "id", *options, passphrase=passphrase)
    sshd.authorize(tmp_path / "id")
    machine = add_credential(bench, "ssh", username=getpass.getuser(), ssh_key_data=key, ssh_key_unlock=passphrase)

    with watched_arguments() as arguments:
        job = run_with(bench, [machine], WHOAMI, inventory_id=bench.inventory({"far": sshd.host()}))

    scratch = scratch_of(runs_below(bench.settings.home) / str(job.id))
    assert job.status == "successful", bench.stdout(job.id)
    assert f"I am {getpass.getuser()} with {scratch}/agent" in bench.stdout(job.id)
    assert not scratch.exists()
    assert f"--user={getpass.getuser()}" in " ".join(job.job_args)
    if passphrase:
        assert passphrase.encode() not in b" ".join(arguments)


@both_starts
def test_a_signed_certificate_logs_in(bench: Bench, sshd: Sshd, tmp_path: Path) -> None:
    key = make_key(tmp_path / "id")
    sign = ["ssh-keygen", "-q", "-s", sshd.directory / "ca", "-I", "me", "-n", getpass.getuser(), tmp_path / "id.pub"]
    subprocess.run(sign, check=True, capture_output=True)
    certificate = (tmp_path / "id-cert.pub").read_text()
    hosts = bench.inventory({"far": sshd.host()})
    inputs = {"username": getpass.getuser(), "ssh_key_data": key, "ssh_public_key_data": certificate}

    job = run_with(bench, [add_credential(bench, "ssh", **inputs)], WHOAMI, inventory_id=hosts)

    assert job.status == "successful", bench.stdout(job.id)


@both_starts
def test_passwords_log_in_and_become(
    bench: Bench, sshd: Sshd, accounts: tuple[tuple[str, str], tuple[str, str]]
) -> None:
    (user, password), (other, other_password) = accounts
    machine = add_credential(
        bench,
        "ssh",
        username=user,
        password=password,
        become_method="su",
        become_username=other,
        become_password=other_password,
    )
    files = {"site.yml": play("{raw: id -un, register: out}", "{debug: {msg: 'I am {{ out.stdout | trim }}'}}")}

    with watched_arguments() as arguments:
        job = run_with(bench, [machine], files, inventory_id=bench.inventory({"far": sshd.host()}), become_enabled=True)

    assert job.status == "successful", bench.stdout(job.id)
    assert f"I am {other}" in bench.stdout(job.id)
    for secret in (password, other_password):
        assert secret.encode() not in b" ".join(arguments)


@both_starts
def test_vault_passwords_open_what_they_belong_to(bench: Bench, tmp_path: Path) -> None:
    files = {
        "site.yml": play("{include_vars: plain.yml}", "{include_vars: prod.yml}", "{debug: {msg: '{{ a }} {{ b }}'}}"),
        "plain.yml": encrypt(tmp_path, "a: first-value\n", "default", "plain-password"),
        "prod.yml": encrypt(tmp_path, "b: second-value\n", "prod", "prod password"),
    }
    vaults = [
        add_credential(bench, "vault", vault_password="plain-password"),
        add_credential(bench, "vault", vault_password="prod password", vault_id="prod"),
    ]

    with watched_arguments() as arguments:
        job = run_with(bench, vaults, files)

    assert job.status == "successful", bench.stdout(job.id)
    assert '"msg": "first-value second-value"' in bench.stdout(job.id)
    assert b"prod password" not in b" ".join(arguments)


@both_starts
def test_a_wrong_vault_password_fails_at_once(bench: Bench, tmp_path: Path) -> None:
    files = {"site.yml": encrypt(tmp_path, play("debug:"), "default", "right-password")}

    job = run_with(bench, [add_credential(bench, "vault", vault_password="wrong-password")], files)

    assert job.status == "failed"
    assert "Decryption failed" in bench.stdout(job.id)


@pytest.mark.parametrize(
    ("kind", "inputs", "explanation"),
    [
        ("ssh", {"ssh_key_data": "not a key"}, "is not a private key in PEM format"),
        ("ssh", {"ssh_key_data": "KEY"}, "has a passphrase: add it to the credential"),
        ("ssh", {"ssh_key_data": "KEY", "ssh_key_unlock": "wrong"}, "does not open its ssh key"),
        ("ssh", {"password": "ASK"}, "asks for its password at every launch"),
        ("ssh", {"username": "{{ lookup('pipe', 'id') }}"}, "must not be a template"),
        ("vault", {"vault_password": "ASK"}, "asks for its vault_password at every launch"),
        ("vault", {"vault_password": "x", "vault_id": "a@b"}, "must not hold an @"),
        ("vault", {}, "has no vault password"),
        ("external", {"token": "x"}, "is of a type that jobs cannot use"),
    ],
)
def test_a_credential_that_cannot_be_used_is_named(
    bench: Bench, tmp_path: Path, kind: str, inputs: dict[str, str], explanation: str
) -> None:
    if inputs.get("ssh_key_data") == "KEY":
        inputs = {**inputs, "ssh_key_data": make_key(tmp_path / "id", passphrase="right")}

    job = run_with(bench, [add_credential(bench, kind, **inputs)], {"site.yml": play("debug:")})

    assert (job.status, job.started) == ("error", None)
    assert f'credential "my {kind}"' in job.job_explanation.lower()
    assert explanation in job.job_explanation


@both_starts
def test_secrets_are_stored_nowhere_in_clear(bench: Bench, sshd: Sshd, tmp_path: Path) -> None:
    """Not in rows, events, arguments, the environment, the database file, or files that stay."""
    key = make_key(tmp_path / "id", passphrase="planted-passphrase")
    sshd.authorize(tmp_path / "id")
    unlocked = key.splitlines()[1]
    machine = add_credential(
        bench,
        "ssh",
        username=getpass.getuser(),
        ssh_key_data=key,
        ssh_key_unlock="planted-passphrase",
        password='planted-"pass\\word',
        become_password="planted-become",
    )
    vault = add_credential(bench, "vault", vault_password="planted-vault")
    token = add_credential(bench, "token", token="planted-token")
    printed = [
        "planted-passphrase",
        'planted-"pass\\word',
        "planted-become",
        "planted-vault",
        "planted-token",
        unlocked,
    ]
    tasks = [f"debug: {{var: 'printed[{number}]'}}" for number in range(len(printed))]
    site = play("{name: 'a task named {{ printed[3] }}', command: 'echo {{ printed[2] }}'}", *tasks)
    files = {"site.yml": site, "group_vars/all.yml": f"printed: {json.dumps(printed)}\n"}

    with watched_arguments() as arguments:
        job = run_with(
            bench, [machine, vault, token], files, inventory_id=bench.inventory({"far": sshd.host()}), name="planted"
        )

    assert job.status == "successful", bench.stdout(job.id)
    assert "********" in bench.stdout(job.id)
    by_job = b" ".join(each for each in arguments if b"echo" not in each)  # the playbook's own command shows one
    kept = b"".join(path.read_bytes() for path in bench.settings.home.rglob("*sqlite3*") if path.is_file())
    for secret in printed:
        assert secret not in bench.stdout(job.id)
        assert secret not in repr(job)
        assert secret.encode() not in kept
        assert secret.encode() not in by_job
    with bench.store.reading() as connection:
        everything = repr([tuple(row) for row in connection.execute(t.job_events.select())])
    assert re.findall(r".{60}planted-.{60}", everything, re.DOTALL) == []
    assert list((bench.settings.home / "run").iterdir()) == []


def encrypt(directory: Path, text: str, vault_id: str, password: str) -> str:
    (directory / "password").write_text(password)
    program = Path(sys.executable).with_name("ansible-vault")
    command = [program, "encrypt", "--encrypt-vault-id", vault_id, "--vault-id", f"{vault_id}@{directory}/password"]
    return subprocess.run(
        [*command, "--output", "-", "-"], input=text, text=True, check=True, capture_output=True
    ).stdout


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
