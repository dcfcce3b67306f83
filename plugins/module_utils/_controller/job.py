# Copyright: Playhook contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Wait for a job that is already there."""

from __future__ import annotations

from ansible_collections.playhook.webhooks.plugins.module_utils._controller.client import connect
from ansible_collections.playhook.webhooks.plugins.module_utils._controller.waiting import wait_for_end
from ansible_collections.playhook.webhooks.plugins.module_utils._errors import NotFound, ObjectMissing


def wait_for_job(params):
    """Return the module's result for the job that the options name."""
    controller = connect(params)
    kind = params["job_type"].replace("_", " ")[:-1]
    what = "{} {}".format(kind.capitalize(), params["job_id"])
    path = "{}/{}/".format(params["job_type"], params["job_id"])
    try:
        job = wait_for_end(controller, path, what, params["interval"], params["timeout"])
    except NotFound:
        raise ObjectMissing(f"{what} does not exist on {controller.host}, or this user may not see it.") from None
    return dict(job, changed=False, warnings=controller.warnings)
