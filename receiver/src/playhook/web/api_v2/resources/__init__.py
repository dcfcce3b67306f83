# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The resources, one short file each; this is the list of them."""

from __future__ import annotations

from collections.abc import Mapping

from playhook.web.api_v2.call import ApiContext
from playhook.web.api_v2.resource import Resource
from playhook.web.api_v2.resources.credential_types import CREDENTIAL_TYPES
from playhook.web.api_v2.resources.credentials import CREDENTIALS
from playhook.web.api_v2.resources.execution_environments import EXECUTION_ENVIRONMENTS
from playhook.web.api_v2.resources.groups import GROUPS
from playhook.web.api_v2.resources.hosts import HOSTS
from playhook.web.api_v2.resources.instance_groups import INSTANCE_GROUPS
from playhook.web.api_v2.resources.inventories import INVENTORIES
from playhook.web.api_v2.resources.job_events import JOB_EVENTS, JOB_HOST_SUMMARIES
from playhook.web.api_v2.resources.job_templates import job_templates
from playhook.web.api_v2.resources.jobs import JOBS
from playhook.web.api_v2.resources.labels import LABELS
from playhook.web.api_v2.resources.notification_templates import NOTIFICATION_TEMPLATES
from playhook.web.api_v2.resources.organizations import ORGANIZATIONS
from playhook.web.api_v2.resources.project_updates import PROJECT_UPDATES
from playhook.web.api_v2.resources.projects import PROJECTS
from playhook.web.api_v2.resources.status_posts import STATUS_POSTS
from playhook.web.api_v2.resources.teams import TEAMS
from playhook.web.api_v2.resources.tokens import TOKENS
from playhook.web.api_v2.resources.unified import UNIFIED_JOB_TEMPLATES, UNIFIED_JOBS
from playhook.web.api_v2.resources.users import USERS
from playhook.web.api_v2.resources.webhook_deliveries import WEBHOOK_DELIVERIES
from playhook.web.api_v2.resources.webhook_endpoints import webhook_endpoints
from playhook.web.api_v2.resources.workflow_approval_templates import WORKFLOW_APPROVAL_TEMPLATES
from playhook.web.api_v2.resources.workflow_approvals import WORKFLOW_APPROVALS
from playhook.web.api_v2.resources.workflow_job_nodes import WORKFLOW_JOB_NODES
from playhook.web.api_v2.resources.workflow_job_template_nodes import WORKFLOW_JOB_TEMPLATE_NODES
from playhook.web.api_v2.resources.workflow_job_templates import workflow_job_templates
from playhook.web.api_v2.resources.workflow_jobs import WORKFLOW_JOBS


def all_resources(context: ApiContext) -> Mapping[str, Resource]:
    """Return every resource by its name in the path."""
    resources = (
        ORGANIZATIONS,
        USERS,
        TOKENS,
        CREDENTIAL_TYPES,
        CREDENTIALS,
        PROJECTS,
        PROJECT_UPDATES,
        INVENTORIES,
        HOSTS,
        TEAMS,
        INSTANCE_GROUPS,
        EXECUTION_ENVIRONMENTS,
        NOTIFICATION_TEMPLATES,
        GROUPS,
        LABELS,
        job_templates(context),
        JOBS,
        JOB_EVENTS,
        JOB_HOST_SUMMARIES,
        workflow_job_templates(context),
        WORKFLOW_JOB_TEMPLATE_NODES,
        WORKFLOW_APPROVAL_TEMPLATES,
        WORKFLOW_JOBS,
        WORKFLOW_JOB_NODES,
        WORKFLOW_APPROVALS,
        UNIFIED_JOB_TEMPLATES,
        UNIFIED_JOBS,
        WEBHOOK_DELIVERIES,
        webhook_endpoints(context),
        STATUS_POSTS,
    )
    return {each.name: each for each in resources}
