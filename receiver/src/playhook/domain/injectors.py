# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Injectors: how a credential type puts its credentials into jobs, by templates for variables and files.

Rules and sentences are AWX's; see "Custom Credential Types" in its user guide,
https://docs.ansible.com/automation-controller/latest/html/userguide/credential_types.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Final

from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError, UndefinedError
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

_NAME: Final = re.compile(r"[a-zA-Z_]+[a-zA-Z0-9_]*")
_FILE: Final = re.compile(r"template(\.[a-zA-Z_]+[a-zA-Z0-9_]*)?")
# They say what is run and where it finds its code, or are what every job is told.
_RESERVED: Final = ("_ANSIBLE_", "PYTHON", "PLAYHOOK_", "LD_")
_BLOCKED: Final = frozenset({
    "VIRTUAL_ENV", "PATH", "HOME", "TMPDIR", "SSH_AUTH_SOCK", "JOB_ID", "INVENTORY_ID", "INVENTORY_SOURCE_ID",
    "INVENTORY_UPDATE_ID", "AD_HOC_COMMAND_ID", "REST_API_URL", "REST_API_TOKEN", "MAX_EVENT_RES", "CALLBACK_QUEUE",
    "CALLBACK_CONNECTION", "CACHE", "JOB_CALLBACK_DEBUG", "INVENTORY_HOSTVARS", "AWX_HOST", "PROJECT_REVISION",
    "SUPERVISOR_CONFIG_PATH",
})  # fmt: skip
_templates: Final = ImmutableSandboxedEnvironment()
_strict: Final = ImmutableSandboxedEnvironment(undefined=StrictUndefined)

WriteFile = Callable[[str, str], str]
"""Takes what a file is called in the injectors and what is in it; returns its path."""


@dataclass(frozen=True, kw_only=True)
class Injected:
    """What a job gets of a credential, besides the files."""

    environment: Mapping[str, str]
    extra_vars: Mapping[str, Any]


def inject(injectors: Mapping[str, Any], values: Mapping[str, Any], write_file: WriteFile) -> Injected:
    """Fill a type's injectors with a credential's inputs. Raises ValueError with the name of one that cannot be."""
    tower = SimpleNamespace()
    known = {**values, "tower": tower}
    for label, template in (injectors.get("file") or {}).items():
        path = write_file(label, _fill(label, template, known))
        _name_file(tower, label, path)
    environment = {name: _fill(name, each, known) for name, each in (injectors.get("env") or {}).items()}
    extra_vars = {name: _fill_all(name, each, known) for name, each in (injectors.get("extra_vars") or {}).items()}
    return Injected(environment=environment, extra_vars=extra_vars)


def _name_file(tower: SimpleNamespace, label: str, path: str) -> None:
    _template, _dot, own = label.partition(".")
    if not own:
        tower.filename = path
        return
    if not hasattr(tower, "filename"):
        tower.filename = SimpleNamespace()
    setattr(tower.filename, own, path)


def _fill(name: str, template: str, known: Mapping[str, Any]) -> str:
    try:
        return _templates.from_string(template).render(known)
    except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError):
        raise ValueError(name) from None  # what went wrong could quote a secret


def _fill_all(name: str, wanted: Any, known: Mapping[str, Any]) -> Any:
    if isinstance(wanted, Mapping):
        return {_fill(name, key, known): _fill_all(name, each, known) for key, each in wanted.items()}
    if isinstance(wanted, list):
        return [_fill_all(name, each, known) for each in wanted]
    return _fill(name, wanted, known)


def complain_of_injectors(fields: Mapping[str, Any], injectors: Mapping[str, Any]) -> list[str]:
    """Say what is wrong with a custom type's injectors; `fields` are those of its inputs, by id."""
    wrong = list(_complain_of_shape(injectors))
    if wrong:
        return wrong
    files = injectors.get("file", {})
    if "template" in files and len(files) > 1:
        return ["Must use multi-file syntax when injecting multiple files"]
    known = {**dict.fromkeys(fields, "EXAMPLE"), "tower": _example_files(files)}
    return [sentence for kind, each in injectors.items() for sentence in _complain_of_each(kind, each, known)]


def _complain_of_shape(injectors: Mapping[str, Any]) -> Iterator[str]:
    yield from complain_of_unknown([], injectors, ("file", "env", "extra_vars"))
    for kind, pattern in (("file", _FILE), ("env", _NAME), ("extra_vars", _NAME)):
        given = injectors.get(kind, {})
        if not isinstance(given, dict):
            yield f"{type(given).__name__} provided in relative path ['{kind}'], expected dict"
            continue
        # Python's own attributes would be overwritten by a file's name.
        strange = [name for name in given if not pattern.fullmatch(name) or ".__" in name]
        if strange:
            names = ", ".join(f"'{name}'" for name in strange)
            do = "does" if len(strange) == 1 else "do"
            yield (
                f"Schema validation error in relative path ['{kind}'] ({names} {do} not match any of the regexes: "
                f"'^{pattern.pattern}$')"
            )
        nested = kind == "extra_vars"
        for name, template in given.items():
            if not _is_template(template, nested=nested):
                yield f"{type(template).__name__} provided in relative path ['{kind}', '{name}'], expected string"
            elif kind == "env" and not template.isascii():
                yield f"{template} does not match '^[\\x00-\\x7F]*$'"


def complain_of_unknown(path: list[Any], given: Mapping[str, Any], known: tuple[str, ...]) -> Iterator[str]:
    """Say which keys do not belong at a place of a credential type."""
    unknown = [f"'{name}'" for name in given if name not in known]
    if unknown:
        were = "was" if len(unknown) == 1 else "were"
        yield (
            f"Schema validation error in relative path {path} (Additional properties are not allowed "
            f"({', '.join(unknown)} {were} unexpected))"
        )


def _is_template(value: Any, *, nested: bool) -> bool:
    if nested and isinstance(value, dict):
        return all(isinstance(key, str) and _is_template(each, nested=True) for key, each in value.items())
    if nested and isinstance(value, list):
        return all(_is_template(each, nested=True) for each in value)
    return isinstance(value, str)


class _NoFile:
    """Stands for a file that there is not."""

    def __str__(self) -> str:
        raise UndefinedError("Must define unnamed file injector in order to reference `tower.filename`.")


class _Tower(SimpleNamespace):
    """Stands for what holds the files' names."""

    def __str__(self) -> str:
        raise UndefinedError("Cannot directly reference reserved `tower` namespace container.")


def _example_files(files: Mapping[str, str]) -> _Tower:
    if "template" in files:
        return _Tower(filename="EXAMPLE_FILENAME")
    named = _NoFile()
    for label in files:
        setattr(named, label.partition(".")[2], "EXAMPLE_FILENAME")
    return _Tower(filename=named)


def _complain_of_each(kind: str, injectors: Mapping[str, Any], known: Mapping[str, Any]) -> Iterator[str]:
    for name, wanted in injectors.items():
        if kind == "env":
            yield from _complain_of_variable(name)
        for template in _templates_in(wanted):
            yield from _complain_of_template(kind, name, template, known)


def _templates_in(wanted: Any) -> Iterator[str]:
    if isinstance(wanted, dict):
        wanted = [*wanted, *wanted.values()]
    if isinstance(wanted, list):
        for each in wanted:
            yield from _templates_in(each)
    else:
        yield wanted


def _complain_of_variable(name: str) -> Iterator[str]:
    if name.startswith("ANSIBLE_"):
        yield (
            f"Environment variable {name} may affect Ansible configuration so its use is not allowed in credentials."
        )
    elif name in _BLOCKED or name.startswith(_RESERVED):
        yield f"Environment variable {name} is not allowed to be used in credentials."


def _complain_of_template(kind: str, name: str, template: str, known: Mapping[str, Any]) -> Iterator[str]:
    try:
        _strict.from_string(template).render(known)
    except UndefinedError as error:
        yield f"{name} uses an undefined field ({error})"
    except SecurityError as error:
        yield f"Encountered unsafe code execution: {error}"
    except TemplateSyntaxError as error:
        yield f"Syntax error rendering template for {name} inside of {kind} ({error})"
    except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError) as error:
        yield f"{name} inside of {kind} cannot be rendered ({error})"
