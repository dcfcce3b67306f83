# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Teams: names for several users of an organization. They are stored; who may do what does not depend on them."""

from __future__ import annotations

from typing import Final

from playhook.store.collections import Link, Row
from playhook.web.api_v2.fields import reference
from playhook.web.api_v2.render import Rendering
from playhook.web.api_v2.resource import Association, NamedPart, Resource, Shown, SubList, Unique
from playhook.web.api_v2.resources.standard_fields import DESCRIPTION, NAME


def _fill(view: Rendering, row: Row, shown: Shown) -> None:
    shown["summary_fields"]["resource"] = view.ansible_id(TEAMS, row["id"])


TEAMS: Final = Resource(
    name="teams",
    type="team",
    model="Team",
    table="teams",
    fields=(NAME, DESCRIPTION, reference("organization", "organizations", nullable=False, required=True)),
    unique=(
        Unique(columns=("organization_id", "name"), message="Team with this Organization and Name already exists."),
    ),
    named=(NamedPart(), NamedPart(path="organization")),
    related=("projects", "users", "credentials", "roles", "object_roles", "activity_stream", "access_list"),
    links={"credentials": Link(target="credentials", column="team_id", back=True),
           "users": Link(target="users", through=("team_users", "team_id", "user_id"))},
    sub=(
        Association(name="users", resource="users", table="team_users", parent="team_id", listed="user_id",
                    creates=True),
        SubList(name="credentials", resource="credentials", by="team_id", creates=True),
    ),
    has_object_roles=True,
    fill=_fill,
)  # fmt: skip
