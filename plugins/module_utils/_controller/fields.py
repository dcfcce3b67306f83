# Copyright: Playhook contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One field of an object: what it is, what it shall be, and how a diff shows both."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from ansible.module_utils.common.yaml import HAS_YAML, yaml_load

try:
    from yaml import YAMLError
except ImportError:
    # ansible-core needs PyYAML, the host that a module runs on may lack it.
    YAMLError = ValueError

from ansible_collections.playhook.webhooks.plugins.module_utils._plan import Plan, Step


@dataclass(frozen=True)
class Field:
    """A field that an option manages; wanted is what would be sent."""

    name: str
    wanted: Any
    differs: bool
    before: Any
    after: Any


def plain_fields(names, params, existing):
    """Return a field for each option that is given and has the same name and value in the API."""
    return [plain_field(name, params[name], existing) for name in names if params[name] is not None]


def plain_field(name, wanted, existing):
    """Return a field whose value is compared and shown as it is."""
    current = (existing or {}).get(name)
    return Field(name, wanted, existing is None or current != wanted, current, wanted)


def variables_field(name, wanted, existing):
    """Return a field that holds variables as text, compared by what the text means."""
    current = parsed_variables((existing or {}).get(name))
    return Field(name, json.dumps(wanted), existing is None or current != wanted, current, wanted)


def reference_field(name, named, existing):
    """Return a field that holds another object's id; named is None where the field is to be empty."""
    current = (existing or {}).get(name)
    wanted = named.id if named else None
    differs = existing is None or current != wanted or bool(named and wanted is None)
    summary = (existing or {}).get("summary_fields", {}).get(name) or {}
    before = summary.get("name", current)
    after = named.name if named else None
    if differs and before == after and before is not None:
        # The same name in another organization.
        before, after = f"{before} (id {current})", f"{after} (id {wanted})"
    return Field(name, wanted, differs, before, after)


def playhook_fields(controller, names, params, existing):
    """Return a field for those options that only a Playhook receiver knows, or none; raise InvalidOption on an AWX."""
    wanted = {name: params[name] for name in names if params[name] is not None}
    if not wanted:
        return []
    controller.refuse_awx(wanted, existing)
    current = (existing or {}).get("playhook", {})
    before = {name: current.get(name) for name in wanted}
    return [Field("playhook", wanted, existing is None or before != wanted, before, wanted)]


def parsed_variables(text):
    """Return the variables that a text in JSON or YAML holds, or the text itself where it cannot be read here."""
    if not text or not text.strip():
        return {}
    try:
        return json.loads(text)
    except ValueError:
        pass
    if not HAS_YAML:
        return text
    try:
        return yaml_load(text) or {}
    except YAMLError:
        return text


def plan_fields(resource, identity, fields, existing):
    """Return the plan that makes an object's fields what they shall be.

    identity is what finds the object: its API fields with the values that a diff shows.
    """
    after = _shown("after", identity + fields)
    if existing is None:
        body = {field.name: field.wanted for field in identity + fields}
        return Plan({}, after, (Step("POST", resource + "/", body, "subject"),))
    before = dict(_shown("after", identity), **_shown("before", fields))
    body = {field.name: field.wanted for field in fields if field.differs}
    steps = (Step("PATCH", "", body, "subject"),) if body else ()
    return Plan(before, after, steps, existing)


def plan_absence(identity, existing):
    """Return the plan that makes an object not exist."""
    if existing is None:
        return Plan({}, {})
    return Plan(_shown("after", identity), {}, (Step("DELETE", existing["url"]),), existing)


def _shown(moment, fields):
    return {field.name: getattr(field, moment) for field in fields}
