# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a node's job is launched with: what its template asks for, from the node and the workflow around it.

As in AWX the workflow's own prompts win over the node's, and what the template does not ask for is ignored. The later
wins of: the template's variables, the node's, the artifacts of the nodes before it, the workflow's variables.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Connection, RowMapping, insert, select

from playhook.domain.survey import questions_of, read_answers
from playhook.store import tables as t
from playhook.store.encryption import Cipher
from playhook.store.surveys import Variables, template_variables, variables_of
from playhook.store.tx import Tx

# column of a node and of a job → what a template asks for
_ASKS: Final[Mapping[str, str]] = {
    "inventory_id": "inventory", "execution_environment_id": "execution_environment", "scm_branch": "scm_branch",
    "job_type": "job_type", "job_tags": "tags", "skip_tags": "skip_tags", "limit": "limit", "diff_mode": "diff_mode",
    "verbosity": "verbosity", "forks": "forks", "job_slice_count": "job_slice_count", "timeout": "timeout",
}  # fmt: skip
_OF_WORKFLOWS: Final = ("inventory_id", "scm_branch", "job_tags", "skip_tags", "limit")
_ATTACHED: Final = (
    ("labels", "label_id", t.job_node_labels, t.job_labels),
    ("instance_groups", "instance_group_id", t.job_node_instance_groups, t.job_instance_groups),
)


def read_prompts(template: RowMapping, node: RowMapping, workflow: RowMapping) -> dict[str, Any]:
    """Return the columns that the template lets a node and its workflow set."""
    said = [(name, node[name]) for name in _ASKS] + [(name, workflow[name]) for name in _OF_WORKFLOWS]
    wanted = {name: value for name, value in said if value not in (None, "")}  # the later wins
    return {name: value for name, value in wanted.items() if template[f"ask_{_ASKS[name]}_on_launch"]}


def merge_variables(
    cipher: Cipher, template: RowMapping, node: RowMapping, workflow: RowMapping, artifacts: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the columns of the job's variables, or nothing where those of a launch without a node stay as they are."""
    try:
        own = template_variables(cipher, template)
        of_workflow = variables_of(workflow)
    except ValueError:
        return {}  # the job ends with that very complaint
    of_node = Variables(shown=node["extra_data"], passwords=node["survey_passwords"])
    if template["type"] == "workflow_job_template":  # it hands the artifacts to its nodes, not to itself
        merged = own.under(_accept(template, of_node), _accept(template, of_workflow))
    else:
        merged = own.under(_accept(template, of_node), Variables(shown=artifacts), of_workflow)
    return {} if merged == own else merged.columns


def merge_credentials(connection: Connection, template: RowMapping, node_id: int) -> list[int] | None:
    """Return the credentials of a node's job, None for the template's own.

    A node's credential takes the place of the template's of the same type; of vaults there is one of each vault id.
    """
    if not template["ask_credential_on_launch"]:
        return None
    own = _find_credentials(connection, t.job_node_credentials, "node_id", node_id)
    if not own:
        return None
    merged = _find_credentials(connection, t.template_credentials, "template_id", template["id"]) | own
    return list(merged.values())


def attach_prompts(tx: Tx, template: RowMapping, node_id: int, job_id: int) -> None:
    """Give a job its node's labels and instance groups, where the template asks for them."""
    for what, name, of_node, of_job in _ATTACHED:
        if not template[f"ask_{what}_on_launch"]:
            continue
        present = select(of_job.c[name]).where(of_job.c.job_id == job_id)
        ids = (
            tx.connection.execute(
                select(of_node.c[name]).where(of_node.c.node_id == node_id, of_node.c[name].not_in(present))
            )
            .scalars()
            .all()
        )
        if ids:
            tx.connection.execute(insert(of_job), [{"job_id": job_id, name: each} for each in ids])


def _accept(template: RowMapping, variables: Variables) -> Variables:
    answers = read_answers(questions_of(template), variables.shown, in_part=True)
    unasked = answers.unasked if template["ask_variables_on_launch"] else {}
    return variables.only({*answers.taken, *unasked})


def _find_credentials(connection: Connection, table: Any, owner: str, owner_id: int) -> dict[tuple[int, str], int]:
    rows = connection.execute(
        select(t.credentials.c.id, t.credentials.c.credential_type_id, t.credentials.c.inputs)
        .join(table, table.c.credential_id == t.credentials.c.id)
        .where(table.c[owner] == owner_id)
        .order_by(table.c.id)
    )
    return {(row.credential_type_id, str(row.inputs.get("vault_id") or "")): row.id for row in rows}
