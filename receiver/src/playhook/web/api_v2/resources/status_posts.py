# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Status posts: what was, or will be, told to the services about jobs. Ours; AWX keeps none."""

from __future__ import annotations

from typing import Final

from playhook.web.api_v2.fields import computed, reference
from playhook.web.api_v2.resource import Resource
from playhook.web.api_v2.resources.job_fields import JOB_SUMMARY
from playhook.web.api_v2.resources.standard_fields import CREDENTIAL_SUMMARY, JOB_STATUS

_STATES: Final = (("queued", "Queued"), ("sent", "Sent"), ("skipped", "Skipped"), ("failed", "Failed"))

STATUS_POSTS: Final = Resource(
    name="status_posts",
    type="status_post",
    model="StatusPost",
    table="status_posts",
    fields=(
        computed("created", "datetime", column="created"),
        reference("job", "jobs", read_only=True, summary=JOB_SUMMARY),
        computed("service", "string", column="service"),
        reference("credential", "credentials", read_only=True, summary=CREDENTIAL_SUMMARY),
        computed("target", "object", column="target"),
        computed("status", "choice", column="status", choices=JOB_STATUS),
        computed("context", "string", column="context"),
        computed("description", "string", column="description"),
        computed("state", "choice", column="state", choices=_STATES),
        computed("attempts", "integer", column="attempts"),
        computed("next_attempt", "datetime", column="next_attempt"),
        computed("sent", "datetime", column="sent"),
        computed("answer", "string", column="answer"),
    ),
    order=("-id",),
    search=("context", "description", "answer"),
    list_methods=("GET",),
    detail_methods=("GET",),
    authored=False,
    timed=False,
    capabilities={},
)
