# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a node may ask of the template it runs: only what that template asks for at launch, in AWX's sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from playhook.domain.survey import questions_of, read_answers
from playhook.domain.variables import parse_variables
from playhook.store.collections import Row
from playhook.web.api_v2.resources.launch import PROMPTS

# AWX's two kinds of templates that can be asked anything, as its sentences name them, and what they can be asked.
_TITLES: Final = {"job_template": "Job Template", "workflow_job_template": "Workflow Job Template"}
WORKFLOW_ASKS: Final = ("variables", "inventory", "limit", "scm_branch", "labels", "tags", "skip_tags")
_LISTS: Final = frozenset({"credentials", "labels", "instance_groups"})
_COLUMNS: Final = {"inventory": "inventory_id", "execution_environment": "execution_environment_id"}
NODE_PROMPTS: Final[Mapping[str, str]] = {
    what: _COLUMNS.get(name, name) for what, name in PROMPTS.items() if name != "extra_vars" and name not in _LISTS
}
"""What is asked → the column of a node that answers it."""
UNPROMPTED: Final = "Field is not configured to prompt on launch."
_NEVER: Final = "Field is not allowed on launch."


def refuse_variables(template: Row, names: Mapping[str, Any]) -> str:
    """Return AWX's sentence about variables that a template does not ask for."""
    return (
        f"Variables {', '.join(names)} are not allowed on launch. Check the Prompt on Launch setting on the "
        f"{_TITLES[template['type']]} to include Extra Variables."
    )


def complain_of_prompts(template: Row, node: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return what is wrong with the prompts of a node (its columns) for the template it runs: field → sentences."""
    prompts = {what: node[column] for what, column in NODE_PROMPTS.items() if node.get(column) not in (None, "")}
    extra_data: Mapping[str, Any] = node.get("extra_data") or {}
    if template["type"] not in _TITLES:
        names = [PROMPTS[what] for what in prompts] + (["extra_data"] if extra_data else [])
        return {name: [_NEVER] for name in names}
    if template["type"] == "workflow_job_template":
        prompts = {what: value for what, value in prompts.items() if what in WORKFLOW_ASKS}
    wrong = {
        PROMPTS[what]: [UNPROMPTED]
        for what, value in prompts.items()
        if not template[f"ask_{what}_on_launch"] and value != template[NODE_PROMPTS[what]]
    }
    answers = read_answers(questions_of(template), extra_data, in_part=True)
    if answers.complaints:
        wrong["variables_needed_to_start"] = list(answers.complaints)
    unasked = {} if template["ask_variables_on_launch"] else unknown_variables(template, answers.unasked)
    return {**wrong, **({"extra_data": [refuse_variables(template, unasked)]} if unasked else {})}


def unknown_variables(template: Row, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of the variables that a template does not have itself with the same value."""
    try:
        own = parse_variables(template["extra_vars"])
    except ValueError:
        own = {}
    return {name: value for name, value in given.items() if name not in own or own[name] != value}
