# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything in a receiver as its users know it: ids are replaced by names, so that two receivers can be compared."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.live import LiveReceiver

# What refers to what: a field's name, and the list that has the object. Each kind of object is known by `_KEYS`.
_REFERENCES = {
    "organization": "organizations", "credential_type": "credential_types", "inventory": "inventories",
    "project": "projects", "webhook_credential": "credentials", "credential": "credentials",
    "execution_environment": "execution_environments", "default_environment": "execution_environments",
    "workflow_job_template": "workflow_job_templates",
}  # fmt: skip
_KEYS: dict[str, tuple[str, ...]] = {
    "organizations": ("name",),
    "users": ("username",),
    "instance_groups": ("name",),
    "execution_environments": ("name",),
    "credential_types": ("name", "kind"),
    "teams": ("name", "organization"),
    "credentials": ("name", "credential_type", "organization"),
    "notification_templates": ("name", "organization"),
    "inventories": ("name", "organization"),
    "hosts": ("name", "inventory"),
    "groups": ("name", "inventory"),
    "projects": ("name", "organization"),
    "labels": ("name", "organization"),
    "job_templates": ("name", "organization"),
    "workflow_job_templates": ("name", "organization"),
    "workflow_job_template_nodes": ("identifier", "workflow_job_template"),
}
_LISTS = {
    "organizations": ("galaxy_credentials", *(f"notification_templates_{each}" for each in
                      ("started", "success", "error", "approvals"))),
    "groups": ("hosts", "children"),
    "projects": tuple(f"notification_templates_{each}" for each in ("started", "success", "error")),
    "job_templates": ("credentials", "labels",
                      *(f"notification_templates_{each}" for each in ("started", "success", "error"))),
    "workflow_job_templates": ("labels", *(f"notification_templates_{each}" for each in
                               ("started", "success", "error", "approvals"))),
    "workflow_job_template_nodes": ("success_nodes", "failure_nodes", "always_nodes", "credentials"),
}  # fmt: skip
# What each receiver says of itself, or what has happened in it; and secrets.
_OWN = {
    "id", "url", "related", "summary_fields", "created", "modified", "last_login", "last_job", "last_job_run",
    "last_job_failed", "last_job_host_summary", "last_update_failed", "last_updated", "next_job_run", "status",
    "scm_revision", "success_nodes", "failure_nodes", "always_nodes", "playhook", "instance_id",
    "has_active_failures", "hosts_with_active_failures",
}  # fmt: skip

Key = tuple[Any, ...]
Known = dict[tuple[str, int], Key]


def read_everything(receiver: LiveReceiver) -> dict[str, Any]:
    """Return every object by its kind and natural key."""
    listed = {kind: list(_read_all(receiver, f"{kind}/")) for kind in _KEYS}
    known: Known = {}
    for kind, parts in _KEYS.items():
        for each in listed[kind]:
            known[kind, each["id"]] = (kind, *(_named(known, part, each[part]) for part in parts))
    return {repr(known[kind, each["id"]]): _describe(receiver, known, kind, each) for kind in _KEYS
            for each in listed[kind]}  # fmt: skip


def _describe(receiver: LiveReceiver, known: Known, kind: str, each: dict[str, Any]) -> dict[str, Any]:
    fields = {name: _named(known, name, value) for name, value in each.items() if name not in _OWN}
    lists = dict(_read_lists(receiver, known, kind, each["id"]))
    return fields | lists | _read_single(receiver, kind, each["related"])


def _named(known: Known, name: str, value: Any) -> Any:
    return known[_REFERENCES[name], value] if name in _REFERENCES and value is not None else value


def _read_all(receiver: LiveReceiver, path: str) -> Iterator[dict[str, Any]]:
    listed = receiver.get(path, page_size=200, order_by="id")
    assert listed["next"] is None
    yield from listed["results"]


def _read_lists(receiver: LiveReceiver, known: Known, kind: str, row_id: int) -> Iterator[tuple[str, Any]]:
    for name in _LISTS.get(kind, ()):
        of_kind = _kind_of_list(name)
        keys = [known[of_kind, each["id"]] for each in _read_all(receiver, f"{kind}/{row_id}/{name}/")]
        yield name, keys if name == "galaxy_credentials" else sorted(keys, key=repr)


def _kind_of_list(name: str) -> str:
    if name.startswith("notification_templates"):
        return "notification_templates"
    if name.endswith("_nodes"):
        return "workflow_job_template_nodes"
    return {"children": "groups", "galaxy_credentials": "credentials"}.get(name, name)


def _read_single(receiver: LiveReceiver, kind: str, related: dict[str, str]) -> dict[str, Any]:
    """Return what an object has one of, besides its fields."""
    if "survey_spec" in related:
        return {"survey_spec": receiver.get(related["survey_spec"].removeprefix("/api/v2/"))}
    if kind == "workflow_job_template_nodes" and "unified_job_template" in related:
        runs = receiver.get(related["unified_job_template"].removeprefix("/api/v2/"))
        names = ("type", "name", "description", "timeout")
        return {"unified_job_template": {name: runs.get(name) for name in names}}
    return {}


def find_differences(one: Any, other: Any, path: str = "") -> Iterator[str]:
    """Yield where two values differ, and how; a secret of the first is not to be found in the second."""
    if isinstance(one, dict) and isinstance(other, dict):
        for name in sorted({*one, *other}):
            missing = {"": f"there is no {name}"}
            yield from find_differences(one.get(name, missing), other.get(name, missing), f"{path}/{name}")
    elif one != other and one != "$encrypted$":
        yield f"{path}: {one!r}, {other!r}"
