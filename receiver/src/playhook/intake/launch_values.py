# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`playhook.vars_from_payload`: what a job takes from its event, by JMESPath, within what the template allows.

A name of FIELDS sets that field of the job: only where the template asks for it on launch, or lists the values that it
may have in `allowed_values`. Every other name becomes an extra variable. The values are the sender's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from playhook.domain.delivery import Rule
from playhook.domain.event import Event
from playhook.intake.deadline import TooSlow
from playhook.intake.filters import Facts, shorten
from playhook.intake.globs import Patterns, compile_patterns
from playhook.intake.payload_path import LARGEST, PayloadPath
from playhook.intake.places import Place

LONGEST: Final = 300
MOST_VALUES: Final = 50
_LONGEST_LIST: Final = 1024
_LARGEST_ID: Final = 2**31 - 1  # what the database can hold

_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
# They tell Ansible how to connect and what to run, or are what we promise about the delivery.
_RESERVED: Final = ("ansible_", "awx_", "tower_", "playhook_")
_HOSTS: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_BRANCH: Final = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_/+#-]|\.(?!\.)|@(?!\{))*")
_TAG: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_. -]*")
# Events about what someone who may write pushed to the repository.
_OWN_KINDS: Final = frozenset({"push", "tag", "release"})
_OWN_TYPES: Final = frozenset({"create", "merge_group"})


@dataclass(frozen=True, kw_only=True)
class Field:
    """A field of a job: its column, the template's `ask_<ask>_on_launch`, and the check of a value.

    The check returns the value as it is stored, or raises ValueError with a sentence. A list may be a text with commas.
    `of_workflows`: a workflow has it too, and hands it to its nodes.
    """

    column: str
    ask: str
    check: Callable[[Any], Any]
    is_list: bool = False
    of_workflows: bool = True


@dataclass(frozen=True, kw_only=True)
class LaunchValue:
    """One compiled entry. `allowed` None means: no list."""

    name: str
    path: PayloadPath
    allowed: Patterns | None
    shown: Any


@dataclass(frozen=True, kw_only=True)
class LaunchValues:
    """What an event gave: extra variables and columns of the job; `rules` say of each value whether it may be."""

    variables: Mapping[str, Any]
    columns: Mapping[str, Any]
    rules: tuple[Rule, ...]
    refusal: str = ""


def compile_values(place: Place, sources: Any, allowed: Any) -> tuple[LaunchValue, ...]:
    """Compile `vars_from_payload` with `allowed_values`; what is wrong is said of the place of each."""
    at_sources, at_allowed = place.key("vars_from_payload"), place.key("allowed_values")
    wanted, lists = at_sources.mapping(sources), at_allowed.mapping(allowed)
    if len(wanted) > MOST_VALUES:
        at_sources.refuse(f"There are {len(wanted)} entries; {MOST_VALUES} are allowed.")
    for name in lists:
        if name not in wanted:
            at_allowed.key(name).refuse("There is no entry of this name in vars_from_payload.")
    compiled = []
    for name, source in wanted.items():
        at = at_sources.key(name)
        _check_name(at, name)
        path = _compile_path(at, source)
        patterns = _compile_allowed(at_allowed.key(name), lists[name]) if name in lists else None
        shown = shorten(lists.get(name)) if name in lists else None
        if path is not None:
            compiled.append(LaunchValue(name=name, path=path, allowed=patterns, shown=shown))
    return tuple(compiled)


def read_values(values: Sequence[LaunchValue], facts: Facts, template: Mapping[str, Any]) -> LaunchValues:
    """Take the values from an event, and judge each; the first that may not be is told in `refusal`."""
    variables: dict[str, Any] = {}
    columns: dict[str, Any] = {}
    rules: list[Rule] = []
    refusal = ""
    for value in values:
        found: Any = None
        try:
            found = value.path.search(facts.names, facts.deadline)
            field = FIELDS.get(value.name)
            if field is None:
                variables[value.name] = _check_variable(value, found)
            else:
                columns[field.column] = _check_field(value, field, found, facts.event, template)
            problem = ""
        except (ValueError, TypeError, TooSlow) as error:
            problem = f"The value of {value.name} from the event is refused: {shorten(str(error))}."
        rules.append(
            Rule(name=f"vars_from_payload.{value.name}", passed=not problem, wanted=value.shown, found=shorten(found))
        )
        refusal = refusal or problem
    return LaunchValues(variables=variables, columns=columns, rules=tuple(rules), refusal=refusal)


def complain_of_workflow(names: Iterable[str]) -> dict[str, str]:
    """Return which names of `vars_from_payload` a workflow cannot have, with the sentence about each.

    Ignored, a `job_type` of `check` would run every node in earnest.
    """
    fields = {name: FIELDS[name] for name in names if name in FIELDS}
    return {
        name: f"a workflow hands no {name} to its nodes" for name, field in fields.items() if not field.of_workflows
    }


def _check_name(place: Place, name: str) -> None:
    if not _VARIABLE.fullmatch(name):
        place.refuse("A name has letters, digits and underscores, and no digit in front.")
    elif name.startswith(_RESERVED):
        place.refuse(
            f"A name must not begin with {' or '.join(_RESERVED)}: those are Ansible's and the receiver's own."
        )


def _compile_path(place: Place, source: Any) -> PayloadPath | None:
    text = place.text(source, LONGEST)
    if text is None:
        return None
    try:
        return PayloadPath(text)
    except ValueError as error:
        place.refuse(f"{error}.")
        return None


def _compile_allowed(place: Place, wanted: Any) -> Patterns:
    texts = []
    for at, each in place.entries(wanted, "values"):
        number = isinstance(each, int) and not isinstance(each, bool)
        text = at.text(str(each) if number else each)
        if text is None:
            continue
        try:
            compile_patterns([text])
            texts.append(text)
        except ValueError as error:
            at.refuse(f"{error}.")
    return compile_patterns(texts)


def _check_variable(value: LaunchValue, found: Any) -> Any:
    if len(orjson.dumps(found)) > LARGEST:
        raise ValueError(f"it is larger than {LARGEST} bytes")
    if value.allowed is not None:
        _check_allowed(value.allowed, found)
    return found


def _check_field(value: LaunchValue, field: Field, found: Any, event: Event, template: Mapping[str, Any]) -> Any:
    # Without a value the template's own would count, and an empty limit means: all hosts.
    if found is None or found in ("", []):
        raise ValueError("the event has none; write `expression || 'default'` where there may be none")
    if value.allowed is None and not template.get(f"ask_{field.ask}_on_launch"):
        raise ValueError(f"the template neither asks for it on launch nor lists it in allowed_values ({value.name})")
    if template.get("type") == "workflow_job_template" and (wrong := complain_of_workflow([value.name])):
        raise ValueError(wrong[value.name])
    if value.name == "scm_branch" and not _is_own_code(event):
        raise ValueError("the event comes, or may come, from a fork, whose code is not run")
    if value.allowed is not None:
        _check_allowed(value.allowed, found.split(",") if field.is_list and isinstance(found, str) else found)
    return field.check(found)


def _is_own_code(event: Event) -> bool:
    """Tell whether what an event names is in the repository itself: a fork's commits can be fetched from there too.

    Checks, workflows, statuses and comments on commits are about a fork's as well, and do not say so.
    """
    if event.pull_request is not None:
        return event.pull_request.fork is False
    return event.kind in _OWN_KINDS or (event.service == "github" and event.type in _OWN_TYPES)


def _check_allowed(allowed: Patterns, found: Any) -> None:
    for part in found if isinstance(found, list) and found else [found]:
        text = part if isinstance(part, str) else str(orjson.dumps(part), "utf-8")
        if not allowed.select(text):
            raise ValueError(f"{shorten(text)!r} is not one of its allowed_values")


def _names_like(pattern: re.Pattern[str], what: str) -> Callable[[Any], str]:
    """Make the check of a comma separated list: names only, nothing that is a pattern, a file or an option."""

    def check(found: Any) -> str:
        parts = found if isinstance(found, list) else str(found).split(",") if isinstance(found, str | int) else [None]
        if not all(isinstance(part, str | int) and pattern.fullmatch(str(part)) for part in parts):
            raise ValueError(f"{shorten(found)!r} is not a list of {what}")
        text = ",".join(map(str, parts))
        if len(text) > _LONGEST_LIST:
            raise ValueError(f"it has more than {_LONGEST_LIST} characters")
        return text

    return check


def _check_branch(found: Any) -> str:
    if not isinstance(found, str) or len(found) > 255 or not _BRANCH.fullmatch(found):
        raise ValueError(f"{shorten(found)!r} cannot be used as the name of a branch, tag or commit")
    if found.endswith((".", "/", ".lock")) or "//" in found or "/." in found:
        raise ValueError(f"{shorten(found)!r} is not a name that git takes")
    return found


def _check_inventory(found: Any) -> int | str:
    """Return an id, or a name that is looked up in the transaction which launches."""
    if isinstance(found, str) and len(found) <= 512:
        return found
    if isinstance(found, int) and not isinstance(found, bool) and 0 < found <= _LARGEST_ID:
        return found
    raise ValueError(f"{shorten(found)!r} is neither the name nor the id of an inventory")


def _one_of(*choices: str | int | bool) -> Callable[[Any], Any]:
    def check(found: Any) -> Any:
        for choice in choices:
            if found == choice and type(found) is type(choice):
                return choice
        raise ValueError(f"{shorten(found)!r} is not one of {', '.join(map(str, choices))}")

    return check


FIELDS: Final[Mapping[str, Field]] = {
    "limit": Field(column="limit", ask="limit", check=_names_like(_HOSTS, "names of hosts and groups"), is_list=True),
    "scm_branch": Field(column="scm_branch", ask="scm_branch", check=_check_branch),
    "inventory": Field(column="inventory_id", ask="inventory", check=_check_inventory),
    "job_tags": Field(column="job_tags", ask="tags", check=_names_like(_TAG, "tags"), is_list=True),
    "skip_tags": Field(column="skip_tags", ask="skip_tags", check=_names_like(_TAG, "tags"), is_list=True),
    "job_type": Field(column="job_type", ask="job_type", check=_one_of("run", "check"), of_workflows=False),
    "verbosity": Field(column="verbosity", ask="verbosity", check=_one_of(0, 1, 2, 3, 4, 5), of_workflows=False),
    "diff_mode": Field(column="diff_mode", ask="diff_mode", check=_one_of(False, True), of_workflows=False),
}
