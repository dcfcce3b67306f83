# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Launching a job template by hand: what may be changed at launch, and what is reported as ignored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from starlette.responses import Response

from playhook.domain.survey import questions_of, read_answers
from playhook.domain.variables import parse_variables
from playhook.errors import InvalidInput
from playhook.store.collections import Row
from playhook.store.credentials import ASK
from playhook.store.jobs import create_job
from playhook.store.objects import find_rows
from playhook.store.related import find_credentials_of
from playhook.store.surveys import seal_answers, template_variables
from playhook.store.tables import ASK_ON_LAUNCH
from playhook.web.api_v2.call import Call, answer
from playhook.web.api_v2.fields import UNSET, Field, Refused
from playhook.web.api_v2.render import Rendering
from playhook.web.api_v2.resource import Resource, Shown

# What is asked for → the field that answers it, where the two are not the same word.
PROMPTS: Final[Mapping[str, str]] = {
    **{what: what for what in ASK_ON_LAUNCH},
    "variables": "extra_vars", "tags": "job_tags", "credential": "credentials",
}  # fmt: skip
_LISTS: Final = ("credentials", "labels", "instance_groups")
_ONLY_IN_DETAIL: Final = ("host_status_counts", "playbook_counts", "custom_virtualenv")
_PASSWORD_NAMES: Final = {"password": "ssh_password"}


@dataclass(kw_only=True)
class Prompts:
    """What a launch said: columns of the job, variables, credentials in place of the template's, and what does not
    count.
    """

    columns: dict[str, Any] = field(default_factory=dict)
    variables: dict[str, Any] = field(default_factory=dict)
    credential_ids: list[int] | None = None
    label_ids: list[int] | None = None
    instance_group_ids: list[int] | None = None
    ignored: dict[str, Any] = field(default_factory=dict)


def launch_fields(fields: Sequence[Field], asks: Iterable[str]) -> tuple[Field, ...]:
    """Return what a launch may say, as the fields of its template; OPTIONS and the schema describe it."""
    own = {each.name: each for each in fields}
    asked = [PROMPTS[what] for what in asks]
    return tuple(
        replace(own[name], required=False, default=UNSET) if name in own else Field(name=name, kind="list")
        for name in asked
    )


def show_launch(call: Call, row: Row) -> Response:
    """Answer what a launch would ask for and what it would use."""
    credentials = _attached(call, row)
    missing = [name for name in ("inventory", "project") if row[f"{name}_id"] is None]
    passwords = passwords_needed(call, [each["id"] for each in credentials])
    asks = {f"ask_{what}_on_launch": row[f"ask_{what}_on_launch"] for what in ASK_ON_LAUNCH}
    needed = variables_needed(row)
    return answer(
        {
            "can_start_without_user_input": not (missing or passwords or needed or any(asks.values())),
            "passwords_needed_to_start": passwords,
            **asks,
            "survey_enabled": has_survey(row),
            "variables_needed_to_start": needed,
            "credential_needed_to_start": False,
            "inventory_needed_to_start": row["inventory_id"] is None,
            "job_template_data": {name: row[name] for name in ("name", "id", "description")},
            "defaults": _defaults(call, row, credentials),
        }
    )


def launch(call: Call, row: Row) -> Response:
    """Store a job of the template and answer it, with what was ignored."""
    prompts = read_prompts(call, call.api.resources["job_templates"], row)
    _check_complete(call, row, prompts)
    by_hand = {"webhook_service": "", "webhook_credential_id": None}  # they belong to deliveries, as in AWX
    job_id = call.write(
        create_job,
        row,
        launch_type="manual",
        overrides={**prompts.columns, **variable_columns(call, row, prompts), **by_hand},
        user_id=call.principal.id,
        credential_ids=prompts.credential_ids,
        label_ids=prompts.label_ids,
        instance_group_ids=prompts.instance_group_ids or (),
    )
    shown = show_launched(call, job_id)
    return answer({"job": job_id, "ignored_fields": prompts.ignored, **shown}, 201, {"Location": shown["url"]})


def show_launched(call: Call, job_id: int) -> Shown:
    """Return a new job as the answer to its launch shows it."""
    jobs = call.api.resources["jobs"]
    shown = Rendering(call).show(jobs, call.api.read(jobs, call, job_id))
    return {name: value for name, value in shown.items() if name not in _ONLY_IN_DETAIL}


def has_survey(row: Row) -> bool:
    """Say whether a launch of a template asks questions."""
    return bool(questions_of(row))


def variables_needed(row: Row) -> list[str]:
    """Return the variables that a launch of a template must give."""
    return [question["variable"] for question in questions_of(row) if question["required"]]


def variable_columns(call: Call, row: Row, prompts: Prompts) -> dict[str, Any]:
    """Return the columns of a job's variables, where the launch gives any."""
    if not prompts.variables:
        return {}
    cipher = call.context.store.cipher
    given = seal_answers(cipher, questions_of(row), prompts.variables)
    return template_variables(cipher, row).under(given).columns


def passwords_needed(call: Call, credential_ids: Sequence[int]) -> list[str]:
    """Return the names of the secrets that these credentials want to be asked for."""
    rows = find_rows(call.connection, "credentials", credential_ids)
    needed = [name for each in rows.values() for name, value in each["inputs"].items() if value == ASK]
    return [_PASSWORD_NAMES.get(name, name) for name in needed]


def read_prompts(call: Call, resource: Resource, row: Row, asks: Iterable[str] = ASK_ON_LAUNCH) -> Prompts:
    """Read a launch's body; `asks` are what a template of this kind may ask for.

    What equals the template's own value is neither taken nor ignored. Raises InvalidInput.
    """
    prompts = Prompts()
    errors: dict[str, list[str]] = {}
    for what in asks:
        name = PROMPTS[what]
        if name not in call.body:
            continue
        try:
            _read_prompt(call, resource, row, what, name, prompts)
        except Refused as refusal:
            errors[name] = [str(refusal)]
    if "extra_vars" not in errors:
        errors |= _judge_variables(row, prompts)
    if errors:
        raise InvalidInput(errors)
    return prompts


def _read_prompt(call: Call, resource: Resource, row: Row, what: str, name: str, prompts: Prompts) -> None:
    asked = row[f"ask_{what}_on_launch"]
    given = call.body[name]
    if name == "extra_vars":
        prompts.variables = _read_variables(row, given)
    elif name in _LISTS:
        _read_list(call, name, given, prompts, asked=asked)
    else:
        declared = resource.by_name[name]
        value = declared.parse(given)
        if declared.kind == "id" and value is not None:
            if not declared.references:
                raise Refused(f'Invalid pk "{value}" - object does not exist.')
            _require(call, declared.references, value)
        if not declared.column or value == row[declared.column]:
            return
        if asked:
            prompts.columns[declared.column] = value
        else:
            prompts.ignored[name] = given


def _read_variables(row: Row, given: Any) -> dict[str, Any]:
    if not isinstance(given, (str, dict)):
        raise Refused("Not a valid string.")
    try:
        parse_variables(row["extra_vars"])
        return given if isinstance(given, dict) else parse_variables(given)
    except ValueError as error:
        raise Refused(str(error)) from None


def _judge_variables(row: Row, prompts: Prompts) -> dict[str, list[str]]:
    """Keep what the survey and the template ask for of the variables, and note the rest; returns errors."""
    answers = read_answers(questions_of(row), prompts.variables)
    if answers.complaints:
        return {"variables_needed_to_start": list(answers.complaints)}
    asked = row["ask_variables_on_launch"]
    prompts.variables = {**answers.taken, **(answers.unasked if asked else {})}
    if answers.unasked and not asked:
        prompts.ignored["extra_vars"] = dict(answers.unasked)
    return {}


def _read_list(call: Call, name: str, given: Any, prompts: Prompts, *, asked: bool) -> None:
    whole = isinstance(given, list) and all(isinstance(each, int) and not isinstance(each, bool) for each in given)
    if not whole:
        raise Refused("A list of ids is required.")
    if not asked:
        prompts.ignored.update({name: given} if given else {})
        return
    for each in given:
        _require(call, name, each)
    setattr(prompts, f"{name.removesuffix('s')}_ids", list(dict.fromkeys(given)))


def _require(call: Call, name: str, row_id: int) -> Row:
    resource = call.api.resources[name]
    found = find_rows(call.connection, resource.table, [row_id]).get(row_id)
    if found is None or (resource.types and found["type"] not in resource.types):
        raise Refused(f'Invalid pk "{row_id}" - object does not exist.')
    return found


def _check_complete(call: Call, row: Row, prompts: Prompts) -> None:
    errors: dict[str, list[str]] = {}
    if row["project_id"] is None:
        errors["project"] = ["Job Templates must have a project assigned."]
    if prompts.columns.get("inventory_id", row["inventory_id"]) is None:
        errors["inventory"] = ["Job Template 'inventory' is missing or undefined."]
    attached = prompts.credential_ids
    if attached is None:
        attached = [each["id"] for each in _attached(call, row)]
    needed = passwords_needed(call, attached)
    if needed:
        errors["passwords_needed_to_start"] = needed
    if errors:
        raise InvalidInput(errors)


def _attached(call: Call, row: Row) -> list[Row]:
    return find_credentials_of(call.connection, "template_credentials", "template_id", [row["id"]]).get(row["id"], [])


def _defaults(call: Call, row: Row, credentials: Sequence[Row]) -> Shown:
    inventory = find_rows(call.connection, "inventories", [row["inventory_id"]] if row["inventory_id"] else [])
    own = inventory.get(row["inventory_id"])
    defaults: Shown = {"inventory": {"name": own["name"] if own else None, "id": row["inventory_id"]}}
    for name in ("limit", "scm_branch", "job_tags", "skip_tags", "extra_vars", "diff_mode", "job_type", "verbosity"):
        defaults[name] = row[name]
    if credentials:
        defaults["credentials"] = [
            {
                "id": each["id"],
                "name": each["name"],
                "credential_type": each["credential_type_id"],
                "passwords_needed": passwords_needed(call, [each["id"]]),
            }
            for each in credentials
        ]
    numbers = {name: row[name] for name in ("forks", "job_slice_count", "timeout")}
    return {**defaults, "execution_environment": {}, **numbers, "instance_groups": []}
