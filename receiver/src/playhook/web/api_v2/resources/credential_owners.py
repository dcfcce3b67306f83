# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom a credential belongs to: a user, a team with its organization, or an organization. It is said once, at first.

A user may do everything with their own credentials. That a team has one is stored and shown, and gives its members
nothing: roles are the installation's, not an object's.
"""

from __future__ import annotations

from typing import Any, Final

from playhook.errors import Forbidden, InvalidInput
from playhook.store.collections import Row
from playhook.web.api_v2.render import Rendering
from playhook.web.api_v2.resource import Shown, SubList
from playhook.web.api_v2.write import Draft

_OWNERS: Final = {"organization": "organizations", "team": "teams", "user": "users"}
OWNER_LISTS: Final = (
    SubList(name="owner_users", resource="users", by="id", key="user_id"),
    SubList(name="owner_teams", resource="teams", by="id", key="team_id"),
)


def show_owners(view: Rendering, row: Row, shown: Shown) -> None:
    """Show whom a credential belongs to."""
    owners = []
    for name in ("user", "organization", "team"):
        target = _OWNERS[name]
        owner = view.find(target, row[f"{name}_id"])
        if owner is not None:
            called = {"name": owner.get("name") or owner.get("username"), "description": owner.get("description", "")}
            url = view.url(view.resources[target], owner["id"])
            owners.append({"id": owner["id"], "type": name, **called, "url": url})
            if name != "organization":
                shown["related"][name] = url
    shown["summary_fields"]["owners"] = owners


def load_owners(view: Rendering, rows: Any) -> None:
    """Read the users and teams that a page's credentials belong to."""
    for name in ("user", "team"):
        view.load(view.resources[_OWNERS[name]], (row[f"{name}_id"] for row in rows))


def check_owner(draft: Draft) -> None:
    """Take the one owner that a new credential is given, in its body or by its path."""
    if draft.current is not None:
        if draft.is_changed("organization_id") and not draft.call.principal.may("administrators"):
            raise Forbidden
        return
    given = [name for name in _OWNERS if draft.body.get(name) or draft.values.get(f"{name}_id")]
    if not given:
        raise InvalidInput({"detail": ["Missing 'user', 'team', or 'organization'."]})
    if len(given) > 1:
        received = ", ".join(given)
        sentence = f"Only one of 'user', 'team', or 'organization' should be provided, received {received} fields."
        raise InvalidInput({"detail": [sentence]})
    if given != ["organization"]:
        owner = _find_owner(draft, given[0])
        draft.values[f"{given[0]}_id"] = owner["id"]
        if given == ["team"]:
            draft.values["organization_id"] = owner["organization_id"]


def _find_owner(draft: Draft, name: str) -> Row:
    wanted: Any = draft.values.get(f"{name}_id") or draft.body[name]
    whole = isinstance(wanted, int) and not isinstance(wanted, bool)
    owner = draft.find(_OWNERS[name], wanted) if whole else None
    if owner is None:
        raise InvalidInput({name: [f'Invalid pk "{wanted}" - object does not exist.']})
    return owner
