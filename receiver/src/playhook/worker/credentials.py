# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A job's credentials as ansible-playbook takes them.

Nothing is ever typed at a prompt: a prompt is found by searching the output, where a payload's text stands too, and a
password sent to the wrong question is a password given away. Passwords are files (0600) in the job's private
directory; an ssh key goes through a pipe to an ssh-agent of the job's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from playhook.errors import JobCannotRun
from playhook.store.job_inputs import Credential
from playhook.worker.injection import Injection, inject_credentials
from playhook.worker.private_dir import write_private
from playhook.worker.request import artifacts_of
from playhook.worker.ssh_keys import unlock_key

_ASK: Final = "ASK"  # AWX's way to say: prompt for it at every launch
_DEFAULT_USER: Final = "root"  # as in AWX: the service's own account is not meant
_NOT_FOR_JOBS: Final = {"external", "insights", "cryptography"}


@dataclass(frozen=True, kw_only=True)
class PlaybookAccess:
    """Options for ansible-playbook, none of them secret, the unlocked key for its ssh-agent, and what is injected."""

    options: list[str]
    ssh_key: str | None = field(default=None, repr=False)
    injection: Injection = field(default_factory=Injection)


def write_credentials(private: Path, credentials: Sequence[Credential]) -> PlaybookAccess:
    """Write what the credentials say below `private`. Raises JobCannotRun."""
    for credential in credentials:
        _check(credential)
    directory = private / "secrets"
    directory.mkdir(mode=0o700)
    machine = next((each for each in credentials if each.kind == "ssh"), None)
    vaults = [each for each in credentials if each.kind == "vault"]
    options = [
        f"--user={machine.text('username') if machine and machine.text('username') else _DEFAULT_USER}",
        *(_machine_options(directory, machine) if machine else []),
        *(option for vault in vaults for option in _vault_options(directory, vault)),
    ]
    return PlaybookAccess(
        options=options,
        ssh_key=_unlock(private, machine) if machine else None,
        injection=inject_credentials(directory, credentials),
    )


def _check(credential: Credential) -> None:
    if credential.kind in _NOT_FOR_JOBS:
        raise JobCannotRun(
            f'credential "{credential.name}" is of a type that jobs cannot use: remove it from the job template'
        )
    asked = sorted(name for name, value in credential.inputs.items() if value == _ASK)
    if asked and credential.kind in {"ssh", "vault"}:
        raise JobCannotRun(
            f'credential "{credential.name}" asks for its {asked[0]} at every launch, which a webhook cannot answer: '
            "store it in the credential"
        )
    for name in ("username", "become_method", "become_username", "vault_id"):
        if any(each in credential.text(name) for each in ("{{", "{%", "{#")):
            raise JobCannotRun(f'the {name} of credential "{credential.name}" must not be a template')


def _machine_options(directory: Path, machine: Credential) -> list[str]:
    options = []
    for name, option in (("become_method", "--become-method"), ("become_username", "--become-user")):
        if value := machine.text(name):
            options.append(f"{option}={value}")
    for name, option in (("password", "--connection-password-file"), ("become_password", "--become-password-file")):
        if value := machine.text(name):
            options.append(f"{option}={write_private(directory / name, value.encode())}")
    return options


def _vault_options(directory: Path, vault: Credential) -> list[str]:
    if not (password := vault.text("vault_password")):
        raise JobCannotRun(f'credential "{vault.name}" has no vault password')
    file = write_private(directory / f"vault-{vault.id}", password.encode())
    if not (vault_id := vault.text("vault_id")):
        return [f"--vault-password-file={file}"]
    if "@" in vault_id:
        raise JobCannotRun(f'the vault identifier of credential "{vault.name}" must not hold an @')
    return [f"--vault-id={vault_id}@{file}"]


def _unlock(private: Path, machine: Credential) -> str | None:
    if not (key := machine.text("ssh_key_data")):
        return None
    if certificate := machine.text("ssh_public_key_data"):
        # ssh-add looks for it beside the key, which ansible-runner puts there.
        artifacts_of(private).mkdir(mode=0o700, parents=True)
        write_private(artifacts_of(private) / "ssh_key_data-cert.pub", f"{certificate.strip()}\n".encode())
    return unlock_key(key, machine.text("ssh_key_unlock"), machine.name)
