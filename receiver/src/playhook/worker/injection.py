# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What credentials put into a job by their type's injectors: environment, extra variables, files (0600)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from playhook.domain.injectors import inject
from playhook.errors import JobCannotRun
from playhook.store.job_inputs import Credential
from playhook.worker.private_dir import write_private

_UNKNOWN: Final = "\ufffd"  # stands for a secret, to find what is made of one


@dataclass(frozen=True, kw_only=True)
class Injection:
    """All of it. `secret_names` are variables of the environment whose values are secret, `secrets` are such texts."""

    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    extra_vars: Mapping[str, Any] = field(default_factory=dict, repr=False)
    secret_names: frozenset[str] = frozenset()
    secrets: frozenset[str] = field(default=frozenset(), repr=False)


def inject_credentials(directory: Path, credentials: Iterable[Credential]) -> Injection:
    """Write the files below `directory` and return what else the job gets; the later wins. Raises JobCannotRun."""
    environment: dict[str, str] = {}
    extra_vars: dict[str, Any] = {}
    names: set[str] = set()
    secrets: set[str] = set()
    for credential in credentials:
        files = {
            label: directory / f"injected-{credential.id}-{label}" for label in credential.injectors.get("file", {})
        }
        made = _fill(credential, _values(credential), files, write=True)
        hidden = _fill(credential, dict(_hide(credential)), files, write=False)
        environment |= made.environment
        extra_vars |= made.extra_vars
        changed = {name for name, value in made.environment.items() if hidden.environment.get(name) != value}
        names = (names - set(made.environment)) | changed
        secrets |= {made.environment[name] for name in changed}
        secrets |= set(_texts_that_differ(made.extra_vars, hidden.extra_vars))
    return Injection(
        environment=environment, extra_vars=extra_vars, secret_names=frozenset(names), secrets=frozenset(secrets)
    )


def _fill(credential: Credential, values: Mapping[str, Any], files: Mapping[str, Path], *, write: bool) -> Injection:
    def write_file(label: str, content: str) -> str:
        if write:
            write_private(files[label], content.encode())
        return str(files[label])

    try:
        made = inject(credential.injectors, values, write_file)
    except ValueError as error:
        raise JobCannotRun(
            f'the injector {error} of the type of credential "{credential.name}" cannot be filled with its inputs: '
            "correct one of them"
        ) from None
    # A managed type's variable is there for who needs it; AWX leaves those out by hand.
    kept = {name: each for name, each in made.environment.items() if each or not credential.managed}
    return Injection(environment=kept, extra_vars=made.extra_vars)


def _values(credential: Credential) -> dict[str, Any]:
    values = {name: value for name, value in credential.inputs.items() if value != ""}
    for each in credential.fields:
        name = each["id"]
        if each.get("type") == "boolean":
            values.setdefault(name, each.get("default", False))
        elif each.get("format") == "ssh_private_key" and name in values and not values[name].endswith("\n"):
            values[name] += "\n"
    return values


def _hide(credential: Credential) -> Iterator[tuple[str, Any]]:
    for name, value in _values(credential).items():
        yield name, _UNKNOWN if name in credential.secrets and isinstance(value, str) else value


def _texts_that_differ(made: Any, hidden: Any) -> Iterator[str]:
    if isinstance(made, Mapping):
        for name, each in made.items():
            yield from _texts_that_differ(each, hidden.get(name) if isinstance(hidden, Mapping) else None)
    elif isinstance(made, list):
        for number, each in enumerate(made):
            yield from _texts_that_differ(each, hidden[number] if isinstance(hidden, list) else None)
    elif made != hidden:
        yield str(made)
