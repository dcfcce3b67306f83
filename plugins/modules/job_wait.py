#!/usr/bin/python
# Copyright: Playhook contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: job_wait
short_description: Wait for a job to end
version_added: "0.1.0"
author:
  - Playhook contributors (!UNKNOWN)
description:
  - Waits until a job of a Playhook receiver or an AWX has ended, and fails unless it was successful.
extends_documentation_fragment:
  - playhook.webhooks.auth
  - playhook.webhooks.attributes
  - playhook.webhooks.attributes.action_group
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
    details: The module changes nothing.
options:
  job_id:
    description:
      - The job's id, as the answer to the delivery or to the launch holds it.
    type: int
    required: true
  job_type:
    description:
      - What kind of job it is.
    type: str
    choices: [jobs, workflow_jobs, project_updates]
    default: jobs
  interval:
    description:
      - The number of seconds between two looks.
    type: float
    default: 2.0
  timeout:
    description:
      - The number of seconds to wait at the most. V(0) waits for ever.
    type: int
    default: 0
"""

EXAMPLES = r"""
- name: Wait for the job that a delivery has launched
  playhook.webhooks.job_wait:
    job_id: "{{ delivery.json.job }}"
    timeout: 120
"""

RETURN = r"""
id:
  description: The job's id.
  returned: when the job exists
  type: int
  sample: 12
status:
  description: The job's status.
  returned: when the job exists
  type: str
  sample: successful
elapsed:
  description: The number of seconds that the job has run.
  returned: when the job exists
  type: float
  sample: 4.2
started:
  description: When the job started.
  returned: when the job exists
  type: str
  sample: "2026-01-31T09:26:53.589793Z"
finished:
  description: When the job ended; V(null) while it runs.
  returned: when the job exists
  type: str
  sample: "2026-01-31T09:26:57.932384Z"
job_explanation:
  description: Why the job did not run as it should; empty where its output says all.
  returned: when the job exists
  type: str
  sample: ""
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.playhook.webhooks.plugins.module_utils._argspec import controller_arguments
from ansible_collections.playhook.webhooks.plugins.module_utils._controller.job import wait_for_job
from ansible_collections.playhook.webhooks.plugins.module_utils._errors import PlayhookError


def main():
    options = dict(
        job_id=dict(type="int", required=True),
        job_type=dict(type="str", choices=["jobs", "workflow_jobs", "project_updates"], default="jobs"),
        interval=dict(type="float", default=2.0),
        timeout=dict(type="int", default=0),
    )
    module = AnsibleModule(argument_spec=dict(controller_arguments(), **options), supports_check_mode=True)
    try:
        result = wait_for_job(module.params)
    except PlayhookError as error:
        module.fail_json(msg=str(error), **error.result)
    for warning in result.pop("warnings"):
        module.warn(warning)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
