# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fields of the API's objects, with the values that a new object has."""

from __future__ import annotations

GITHUB_TOKEN = {
    "name": "GitHub Personal Access Token",
    "inputs": {
        "fields": [
            {"id": "token", "label": "Token", "type": "string", "secret": True},
            {"id": "api_url", "label": "API URL", "type": "string"},
        ],
        "required": ["token"],
    },
}
MACHINE = {
    "name": "Machine",
    "inputs": {
        "fields": [
            {"id": "username", "label": "Username", "type": "string"},
            {"id": "password", "label": "Password", "type": "string", "secret": True, "ask_at_runtime": True},
            {"id": "ssh_key_data", "label": "SSH Private Key", "type": "string", "secret": True},
            {"id": "become_method", "label": "Method", "type": "string"},
        ],
    },
}
SECRET_INPUTS = {
    GITHUB_TOKEN["name"]: ("token",),
    MACHINE["name"]: ("password", "ssh_key_data"),
}

DEFAULTS = {
    "organizations": {"name": "", "description": ""},
    "credential_types": {"name": "", "inputs": {}},
    "execution_environments": {"name": "", "image": ""},
    "credentials": {"name": "", "description": "", "organization": None, "credential_type": None, "inputs": {}},
    "projects": {
        "name": "",
        "description": "",
        "organization": None,
        "local_path": "",
        "scm_type": "",
        "scm_url": "",
        "scm_branch": "",
        "scm_refspec": "",
        "scm_clean": False,
        "scm_delete_on_update": False,
        "scm_track_submodules": False,
        "scm_update_on_launch": False,
        "scm_update_cache_timeout": 0,
        "allow_override": False,
        "credential": None,
        "scm_revision": "",
        "status": "never updated",
    },
    "project_updates": {"name": "", "status": "new", "failed": False, "finished": None},
    "inventories": {"name": "", "description": "", "organization": None, "variables": "", "pending_deletion": False},
    "hosts": {"name": "", "description": "", "inventory": None, "enabled": True, "variables": ""},
    "groups": {"name": "", "description": "", "inventory": None, "variables": ""},
    "jobs": {"name": "", "status": "pending", "failed": False, "finished": None, "event_processing_finished": False},
    "job_templates": {
        "name": "",
        "description": "",
        "organization": None,
        "job_type": "run",
        "inventory": None,
        "project": None,
        "playbook": "",
        "execution_environment": None,
        "scm_branch": "",
        "forks": 0,
        "limit": "",
        "verbosity": 0,
        "extra_vars": "",
        "job_tags": "",
        "skip_tags": "",
        "start_at_task": "",
        "force_handlers": False,
        "timeout": 0,
        "job_slice_count": 1,
        "use_fact_cache": False,
        "become_enabled": False,
        "diff_mode": False,
        "allow_simultaneous": False,
        "survey_enabled": False,
        "webhook_service": "",
        "webhook_credential": None,
        "ask_credential_on_launch": False,
        "ask_diff_mode_on_launch": False,
        "ask_execution_environment_on_launch": False,
        "ask_forks_on_launch": False,
        "ask_instance_groups_on_launch": False,
        "ask_inventory_on_launch": False,
        "ask_job_slice_count_on_launch": False,
        "ask_job_type_on_launch": False,
        "ask_labels_on_launch": False,
        "ask_limit_on_launch": False,
        "ask_scm_branch_on_launch": False,
        "ask_skip_tags_on_launch": False,
        "ask_tags_on_launch": False,
        "ask_timeout_on_launch": False,
        "ask_variables_on_launch": False,
        "ask_verbosity_on_launch": False,
    },
}

DEFAULTS["workflow_job_templates"] = {
    "name": "",
    "description": "",
    "organization": None,
    "extra_vars": "",
    "inventory": None,
    "limit": None,
    "scm_branch": None,
    "job_tags": None,
    "skip_tags": None,
    "allow_simultaneous": False,
    "survey_enabled": False,
    "webhook_service": "",
    "webhook_credential": None,
    **{
        f"ask_{name}_on_launch": False
        for name in ("inventory", "labels", "limit", "scm_branch", "skip_tags", "tags", "variables")
    },
}
DEFAULTS["workflow_job_template_nodes"] = {
    "identifier": "",
    "workflow_job_template": None,
    "unified_job_template": None,
    "all_parents_must_converge": False,
    "extra_data": {},
    "inventory": None,
    "scm_branch": None,
    "job_type": None,
    "job_tags": None,
    "skip_tags": None,
    "limit": None,
    "diff_mode": None,
    "verbosity": None,
    "forks": None,
    "job_slice_count": None,
    "timeout": None,
}
DEFAULTS["workflow_approval_templates"] = {"name": "", "description": "", "timeout": 0}
DEFAULTS["workflow_jobs"] = {"name": "", "status": "pending", "failed": False, "finished": None}

# What a Playhook receiver has besides, under the key playhook.
PLAYHOOK = {
    "inventories": {"source_path": ""},
    "job_templates": {"allow_sha1": False, "status_context": ""},
    "workflow_job_templates": {"allow_sha1": False, "status_context": "", "node_statuses": False},
}

# Which field holds the id of an object of which resource.
REFERENCES = {
    "credentials": {"organization": "organizations", "credential_type": "credential_types"},
    "projects": {"organization": "organizations", "credential": "credentials"},
    "inventories": {"organization": "organizations"},
    "job_templates": {
        "inventory": "inventories",
        "project": "projects",
        "execution_environment": "execution_environments",
        "webhook_credential": "credentials",
    },
    "workflow_job_templates": {
        "organization": "organizations",
        "inventory": "inventories",
        "webhook_credential": "credentials",
    },
    "workflow_job_template_nodes": {"inventory": "inventories"},
}

REQUIRED = {
    "credentials": ("name", "credential_type"),
    "projects": ("name", "organization"),
    "inventories": ("name", "organization"),
    "job_templates": ("name", "project", "playbook"),
    "workflow_job_templates": ("name",),
    "workflow_job_template_nodes": (),
    "workflow_approval_templates": ("name",),
}
