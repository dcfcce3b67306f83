# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Instance groups: a job runs on the workers that serve one of its own. Capacities are those of the live workers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from playhook.errors import Forbidden
from playhook.store.collections import Row
from playhook.store.preload import PRELOADED_GROUPS
from playhook.store.workers import count_active_jobs, live_workers
from playhook.web.api_v2.call import Call
from playhook.web.api_v2.fields import Field, computed, constant, flag, number, reference, text
from playhook.web.api_v2.render import Rendering
from playhook.web.api_v2.resource import NamedPart, Resource, Shown, Unique
from playhook.web.api_v2.resources.standard_fields import CREDENTIAL_SUMMARY
from playhook.web.api_v2.write import Draft


def _check(draft: Draft) -> None:
    if draft.current is not None and draft.current["name"] in PRELOADED_GROUPS and draft.is_changed("name"):
        draft.fail("name", f"{draft.current['name']} instance group name may not be changed.")
    credential = draft.find("credentials", draft.get("credential_id"))
    if credential is None:
        return
    kind = draft.find("credential_types", credential["credential_type_id"])
    if not draft.get("is_container_group"):
        sentence = "is_container_group must be True when associating a credential to an Instance Group"
        draft.fail("is_container_group", sentence)
    if kind is not None and kind["kind"] != "kubernetes":
        draft.fail("credential", "Only Kubernetes credentials can be associated with an Instance Group")


def _removable(_call: Call, row: Row) -> None:
    if row["name"] in PRELOADED_GROUPS:
        raise Forbidden


_PERCENT: Final = 100
_WORKERS: Final = "instance_groups.workers"
_ACTIVE: Final = "instance_groups.active"


def _prepare(view: Rendering, _rows: Sequence[Row], _detail: bool) -> None:
    view.facts[_WORKERS][0] = live_workers(view.connection)
    view.facts[_ACTIVE][0] = count_active_jobs(view.connection)


def _fill(view: Rendering, row: Row, shown: Shown) -> None:
    workers = [each for each in view.facts[_WORKERS][0] if each.serves(row["name"])]
    capacity = sum(each.capacity for each in workers)
    used = sum(view.facts[_ACTIVE][0].get(each.name, 0) for each in workers)
    shown |= {
        "capacity": capacity,
        "consumed_capacity": float(used),
        "percent_capacity_remaining": round((capacity - used) * _PERCENT / capacity, 2) if capacity else 0.0,
        "jobs_running": used,
        "instances": len(workers),
    }


INSTANCE_GROUPS: Final = Resource(
    name="instance_groups",
    type="instance_group",
    model="InstanceGroup",
    label="instance group",
    table="instance_groups",
    fields=(
        text("name", required=True, max_length=250, help_text="Name of this instance group."),
        computed("capacity", "integer"),
        computed("consumed_capacity", "float"),
        computed("percent_capacity_remaining", "float"),
        computed("jobs_running", "integer"),
        number("max_concurrent_jobs", help_text="Stored for compatibility."),
        number("max_forks", help_text="Stored for compatibility."),
        constant("jobs_total", 0, "integer"),
        computed("instances", "integer"),
        flag("is_container_group", help_text="Stored for compatibility; jobs never run in containers of their own."),
        reference("credential", "credentials", summary=CREDENTIAL_SUMMARY),
        number("policy_instance_percentage", max_value=_PERCENT, help_text="Stored for compatibility."),
        number("policy_instance_minimum", help_text="Stored for compatibility."),
        Field(name="policy_instance_list", kind="list", column="policy_instance_list", default=[]),
        text("pod_spec_override"),
    ),
    search=("name",),
    authored=False,
    unique=(Unique(columns=("name",), field="name", message="Instance group with this Name already exists."),),
    named=(NamedPart(),),
    summary=("id", "name", "is_container_group"),
    related=("jobs", "instances", "access_list", "object_roles"),
    has_object_roles=True,
    prepare=_prepare,
    fill=_fill,
    check=_check,
    removable=_removable,
)  # fmt: skip
