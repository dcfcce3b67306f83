# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Users. `playhook.role` is ours: an operator reads everything, launches, cancels, approves and redelivers."""

from __future__ import annotations

from typing import Any, Final

from playhook.errors import Forbidden, InvalidInput
from playhook.store.collections import Row
from playhook.store.credentials import ENCRYPTED
from playhook.store.users import hash_password
from playhook.web.api_v2.call import Call
from playhook.web.api_v2.fields import Field, computed, flag, text
from playhook.web.api_v2.render import Rendering
from playhook.web.api_v2.resource import Access, Association, NamedPart, Resource, Shown, SubList, Unique
from playhook.web.api_v2.resources.checks import check_keys
from playhook.web.api_v2.write import Draft

ROLES: Final = ("", "operator")
_FOR_ADMINISTRATORS: Final = ("is_superuser", "is_system_auditor", "role", "username")
_LONGEST_PASSWORD: Final = 1024


def _fill(view: Rendering, row: Row, shown: Shown) -> None:
    principal = view.call.principal
    is_self = principal.id == row["id"]
    shown["password"] = ENCRYPTED
    shown["playhook"] = {"role": row["role"]}
    shown["summary_fields"]["resource"] = view.ansible_id(USERS, row["id"])
    shown["summary_fields"]["user_capabilities"] = {
        "edit": is_self or principal.is_superuser,
        "delete": principal.is_superuser and not is_self,
    }


def _check(draft: Draft) -> None:
    if "playhook" in draft.body:
        role = check_keys(draft.body["playhook"], {"role": True}).get("role", draft.get("role"))
        if role not in ROLES:
            raise InvalidInput({"playhook": [f'"{role}" is not a role. The roles are: "" and "operator".']})
        draft.values["role"] = role
    if not draft.call.principal.is_superuser and any(draft.is_changed(name) for name in _FOR_ADMINISTRATORS):
        raise Forbidden
    _check_password(draft)


def _check_password(draft: Draft) -> None:
    password: Any = draft.extra.get("password")
    if password and password != ENCRYPTED:
        if len(password) > _LONGEST_PASSWORD:
            raise InvalidInput({"password": [f"Ensure this field has no more than {_LONGEST_PASSWORD} characters."]})
        draft.values["password_hash"] = hash_password(password)  # slow on purpose; this is not the writer's thread
    elif draft.current is None and draft.body.get("password") == "":
        draft.values["password_hash"] = ""  # `awx import` sends this for every user: nobody can log in with it
    elif draft.current is None:
        raise InvalidInput({"password": ["Password required for new User."]})


def _removable(call: Call, row: Row) -> None:
    if not call.principal.is_superuser or call.principal.id == row["id"]:
        raise Forbidden


def _memberships(name: str, resource: str, table: str, listed: str) -> Association:
    """Declare a list of what a user belongs to; users are put into it on the other side, as in AWX."""
    return Association(name=name, resource=resource, table=table, parent="user_id", listed=listed, writable=False)


USERS: Final = Resource(
    name="users",
    type="user",
    model="User",
    table="users",
    fields=(
        text("username", required=True, max_length=150,
             help_text="Required. 150 characters or fewer. Letters, digits and @/./+/-/_ only."),
        text("first_name", max_length=150),
        text("last_name", max_length=150),
        text("email", max_length=254, label="Email address"),
        flag("is_superuser", label="Superuser status",
             help_text="Designates that this user has all permissions without explicitly assigning them."),
        flag("is_system_auditor"),
        Field(name="password", kind="string", default="", verbatim=True, forbidden=True,
              help_text="Field used to change the password."),
        computed("last_login", "datetime", column="last_login"),
    ),
    order=("username",),
    search=("username", "first_name", "last_name", "email"),
    access=Access(own="id"),
    authored=False,
    unique=(Unique(columns=("username",), field="username", message="A user with that username already exists."),),
    named=(NamedPart(columns=("username",)),),
    summary=("id", "username", "first_name", "last_name"),
    capabilities={},
    related=(
        "teams", "organizations", "admin_of_organizations", "projects", "credentials", "roles", "activity_stream",
        "access_list", "tokens", "authorized_tokens", "personal_tokens",
    ),
    ours='`role`: empty, or `operator`.',
    sub=(
        _memberships("organizations", "organizations", "organization_users", "organization_id"),
        _memberships("admin_of_organizations", "organizations", "organization_admins", "organization_id"),
        _memberships("teams", "teams", "team_users", "team_id"),
        SubList(name="credentials", resource="credentials", by="user_id", creates=True),
        SubList(name="tokens", resource="tokens", by="user_id", creates=True),
        SubList(name="personal_tokens", resource="tokens", by="user_id", creates=True),
    ),
    fill=_fill,
    check=_check,
    removable=_removable,
)  # fmt: skip
