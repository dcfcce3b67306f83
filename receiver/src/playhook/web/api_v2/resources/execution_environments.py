# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Execution environments: stored for clients of AWX. Jobs run with the receiver's own Ansible."""

from __future__ import annotations

from typing import Final

from playhook.errors import Forbidden
from playhook.store.collections import Row
from playhook.web.api_v2.call import Call
from playhook.web.api_v2.fields import choice, computed, reference, text
from playhook.web.api_v2.resource import NamedPart, Resource, SubList, Unique
from playhook.web.api_v2.resources.copies import Copying, copy_action
from playhook.web.api_v2.resources.standard_fields import CREDENTIAL_SUMMARY, DESCRIPTION, NAME
from playhook.web.api_v2.write import Draft

_PULL: Final = (
    ("", "---------"), ("always", "Always pull container before running."),
    ("missing", "Only pull the image if not present before running."),
    ("never", "Never pull container before running."),
)  # fmt: skip


def _check(draft: Draft) -> None:
    if draft.current is not None and draft.current["managed"]:
        raise Forbidden
    credential = draft.find("credentials", draft.get("credential_id"))
    kind = credential and draft.find("credential_types", credential["credential_type_id"])
    if kind and kind["kind"] != "registry":
        draft.fail("credential", "Only Container Registry credentials can be associated with an Execution Environment")


def _removable(_call: Call, row: Row) -> None:
    if row["managed"]:
        raise Forbidden


EXECUTION_ENVIRONMENTS: Final = Resource(
    name="execution_environments",
    type="execution_environment",
    model="ExecutionEnvironment",
    table="execution_environments",
    fields=(
        NAME,
        DESCRIPTION,
        reference("organization", "organizations",
                  help_text="The organization used to determine access to this execution environment."),
        text("image", required=True, max_length=1024, label="image location",
             help_text="The full image location, including the container registry, image name, and version tag."),
        computed("managed", "boolean", column="managed"),
        reference("credential", "credentials", summary=CREDENTIAL_SUMMARY),
        choice("pull", _PULL, help_text="Pull image before running?"),
    ),
    order=("id",),
    unique=(
        Unique(columns=("name",), field="name", message="Execution environment with this Name already exists."),
    ),
    named=(NamedPart(),),
    summary=("id", "name", "description", "image"),
    capabilities={"edit": "administrators", "delete": "administrators", "copy": "administrators"},
    related=("activity_stream", "unified_job_templates", "copy"),
    sub=(
        SubList(name="unified_job_templates", resource="unified_job_templates", by="execution_environment_id"),
        copy_action(Copying(resource="execution_environments", cleared={"managed": False})),
    ),
    check=_check,
    removable=_removable,
)  # fmt: skip
