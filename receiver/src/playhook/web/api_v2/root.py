# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is not about one kind of object: the maps, `ping`, `config`, `me`."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Final

from starlette.responses import Response

from playhook import __version__
from playhook.store.job_inputs import read_installation
from playhook.store.preload import PRELOADED_GROUPS
from playhook.store.project_files import list_manual_projects
from playhook.store.users import find_user
from playhook.store.workers import LiveWorker, live_workers
from playhook.web.api_v2.call import PREFIX, Call, answer
from playhook.web.api_v2.endpoints import Endpoints
from playhook.web.api_v2.options import describe_path
from playhook.web.api_v2.pages import answer_whole
from playhook.web.api_v2.render import Rendering
from playhook.web.api_v2.serve import PRODUCT_VERSION, View
from playhook.web.api_v2.services import show_services
from playhook.web.api_v2.ui_settings import show_settings, show_ui_settings

# Key → path, in AWX's order; the guide's and the clients' map.
_AWX_MAP: Final[dict[str, str]] = {
    **{name: name for name in (
        "ping", "instances", "instance_groups", "receptor_addresses", "config", "settings", "me", "dashboard",
        "organizations", "users", "execution_environments", "projects", "project_updates", "teams", "credentials",
        "credential_types", "credential_input_sources", "applications", "tokens", "metrics",
    )},
    "inventory": "inventories",
    "constructed_inventory": "constructed_inventories",
    **{name: name for name in (
        "inventory_sources", "inventory_updates", "groups", "hosts", "host_metrics", "host_metric_summary_monthly",
        "job_templates", "jobs", "ad_hoc_commands", "system_job_templates", "system_jobs", "schedules", "roles",
        "notification_templates", "notifications", "labels", "unified_job_templates", "unified_jobs",
        "activity_stream", "workflow_job_templates", "workflow_jobs", "workflow_approvals",
        "workflow_job_template_nodes", "workflow_job_nodes", "mesh_visualizer", "bulk", "analytics",
    )},
    "service_index": "service-index",
    **{name: name for name in ("role_definitions", "role_user_assignments", "role_team_assignments")},
}  # fmt: skip
_OURS: Final = ("webhook_deliveries", "webhook_endpoints", "webhook_services", "status_posts")
_WRITE_PATIENCE: Final = 2.0  # seconds
_BECOME_METHODS: Final = (
    "sudo", "su", "pbrun", "pfexec", "dzdo", "pmrun", "runas", "enable", "doas", "ksu", "machinectl", "sesu",
)  # fmt: skip


def root_views(endpoints: Endpoints) -> Iterator[tuple[str, View]]:
    """Yield the paths that belong to no resource, and the empty list for every key of the map that is not built."""
    yield "/api/", replace(_view("REST API", _show_versions, anonymous=True), gives_csrf_token=True)
    yield PREFIX, _view("Version 2", _show_map, anonymous=True)
    yield f"{PREFIX}ping/", replace(_view("Ping", _show_ping, anonymous=True), patience=2 * _WRITE_PATIENCE)
    yield f"{PREFIX}config/", _view("Configuration", _show_config)
    yield f"{PREFIX}me/", _view("Me", _show_me)
    yield f"{PREFIX}webhook_services/", _view("Webhook Service List", show_services)
    yield f"{PREFIX}settings/", _view("Setting Category List", show_settings)
    yield f"{PREFIX}settings/ui/", _view("UI Settings", show_ui_settings)
    built = {"ping", "config", "me", "settings", *endpoints.resources}
    for path in (each for each in _AWX_MAP.values() if each not in built):
        yield f"{PREFIX}{path}/", _view(path.replace("_", " ").title(), _show_nothing)


def _view(name: str, function: Callable[[Call], Response], *, anonymous: bool = False) -> View:
    return View(methods={"GET": function}, describe=lambda _call: describe_path(name, ("GET",)), anonymous=anonymous)


def _show_versions(_call: Call) -> Response:
    return answer(
        {
            "description": "AWX REST API",
            "current_version": PREFIX,
            "available_versions": {"v2": PREFIX},
            "oauth2": "/api/o/",
            "custom_logo": "",
            "custom_login_info": "",
            "login_redirect_override": "",
        }
    )


def _show_map(_call: Call) -> Response:
    return answer({name: f"{PREFIX}{path}/" for name, path in {**_AWX_MAP, **{n: n for n in _OURS}}.items()})


def _show_ping(call: Call) -> Response:
    """Answer 200 when deliveries can be stored. Raises StoreUnavailable, which says why they cannot."""
    call.context.store.check_writes(_WRITE_PATIENCE)
    node = platform.node() or "localhost"
    install_uuid = read_installation(call.connection)
    workers = live_workers(call.connection)
    here = {"node": node, "node_type": "control", "uuid": install_uuid, "heartbeat": None, "capacity": 0, "version": ""}
    instances = [_show_instance(each, node) for each in workers]
    groups = [
        {
            "name": name,
            "capacity": sum(each.capacity for each in workers if each.serves(name)),
            "instances": [each.hostname for each in workers if each.serves(name)],
        }
        for name in PRELOADED_GROUPS
    ]
    return answer(
        {
            "ha": len(workers) > 1,
            "version": PRODUCT_VERSION,
            "active_node": node,
            "install_uuid": install_uuid,
            "instances": instances or [here],
            "instance_groups": groups,
            "playhook": {"version": __version__},
        }
    )


def _show_instance(worker: LiveWorker, node: str) -> dict[str, Any]:
    return {
        "node": worker.hostname,
        "node_type": "hybrid" if worker.hostname == node else "execution",
        "uuid": worker.home_id,
        "heartbeat": worker.heartbeat,
        "capacity": worker.capacity,
        "version": worker.version,
    }


def _show_config(call: Call) -> Response:
    license_info = {
        "license_type": "open", "valid_key": True, "subscription_name": "OPEN", "product_name": "AWX",
    }  # fmt: skip
    config: dict[str, Any] = {
        "time_zone": "UTC",
        "license_info": license_info,
        "version": PRODUCT_VERSION,
        "eula": "",
        "analytics_status": "off",
        "analytics_collectors": {},
        "become_methods": [[name, name] for name in _BECOME_METHODS],
    }
    if call.principal.may("readers"):
        root = call.context.settings.manual_projects
        config |= {
            "project_base_dir": str(root),
            "project_local_paths": list_manual_projects(root),
            "custom_virtualenvs": [],
        }
    return answer(config)


def _show_me(call: Call) -> Response:
    users = call.api.resources["users"]
    row = find_user(call.connection, call.principal.id)
    shown = Rendering(call).show_all(users, [row] if row else [])
    return answer_whole(call, shown)


def _show_nothing(call: Call) -> Response:
    _principal = call.principal
    return answer_whole(call, [])
