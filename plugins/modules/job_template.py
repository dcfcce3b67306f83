#!/usr/bin/python
# Copyright: Playhook contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: job_template
short_description: Manage a job template and its webhook
version_added: "0.1.0"
author:
  - Playhook contributors (!UNKNOWN)
description:
  - Creates, changes and deletes a job template of a Playhook receiver or an AWX.
  - >-
    With O(webhook_service) the job template has a webhook. The module returns its address, and its key when asked, for
    M(playhook.webhooks.repository_webhook) to set up the repository's side.
extends_documentation_fragment:
  - playhook.webhooks.auth
  - playhook.webhooks.webhook
  - playhook.webhooks.survey
  - playhook.webhooks.attributes
  - playhook.webhooks.attributes.action_group
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
options:
  name:
    description:
      - The job template's name. Together with the organization it finds the job template.
    type: str
    required: true
  organization:
    description:
      - The organization that owns the job template, by name or id.
      - A job template belongs to its project's organization, so that this is needed only where O(project) is not set,
        or
        where several organizations have a project of that name.
    type: str
  description:
    description:
      - What the job template is for.
    type: str
  job_type:
    description:
      - Whether jobs change the hosts (V(run)) or only say what they would change (V(check)).
    type: str
    choices: [run, check]
  inventory:
    description:
      - The inventory, by name or id. An empty string removes it.
    type: str
  project:
    description:
      - The project, by name or id.
    type: str
  playbook:
    description:
      - The playbook, as a path within the project.
    type: str
  scm_branch:
    description:
      - The branch of the project to run, where the project allows it.
    type: str
  execution_environment:
    description:
      - The execution environment, by name or id. An empty string removes it.
    type: str
  forks:
    description:
      - How many hosts to work on at a time.
    type: int
  limit:
    description:
      - A pattern that limits the hosts.
    type: str
  verbosity:
    description:
      - How much the output says.
    type: int
    choices: [0, 1, 2, 3, 4, 5]
  extra_vars:
    description:
      - Extra variables of every job. They are shown in the diff; keep secrets in a credential.
    type: dict
  job_tags:
    description:
      - The tags to run, separated by commas.
    type: str
  skip_tags:
    description:
      - The tags to skip, separated by commas.
    type: str
  start_at_task:
    description:
      - The name of the task to start at.
    type: str
  force_handlers:
    description:
      - Whether handlers run even if a task fails.
    type: bool
  timeout:
    description:
      - The number of seconds after which a job is canceled. V(0) is never.
    type: int
  job_slice_count:
    description:
      - Into how many jobs a job is cut.
    type: int
  use_fact_cache:
    description:
      - Whether to keep facts from job to job.
    type: bool
  become_enabled:
    description:
      - Whether to become another user on the hosts.
    type: bool
  diff_mode:
    description:
      - Whether jobs show differences.
    type: bool
  allow_simultaneous:
    description:
      - Whether several jobs of this template may run at the same time.
    type: bool
  credentials:
    description:
      - The names or ids of all credentials that jobs use. If the option is not set, they stay as they are.
      - The credential that posts statuses is not one of them, see O(webhook_credential).
    type: list
    elements: str
  ask_credential_on_launch:
    description:
      - Whether a launch may give credentials.
    type: bool
  ask_diff_mode_on_launch:
    description:
      - Whether a launch may give diff mode.
    type: bool
  ask_execution_environment_on_launch:
    description:
      - Whether a launch may give an execution environment.
    type: bool
  ask_forks_on_launch:
    description:
      - Whether a launch may give forks.
    type: bool
  ask_instance_groups_on_launch:
    description:
      - Whether a launch may give instance groups.
    type: bool
  ask_inventory_on_launch:
    description:
      - Whether a launch may give an inventory.
    type: bool
  ask_job_slice_count_on_launch:
    description:
      - Whether a launch may give a number of slices.
    type: bool
  ask_job_type_on_launch:
    description:
      - Whether a launch may give a job type.
    type: bool
  ask_labels_on_launch:
    description:
      - Whether a launch may give labels.
    type: bool
  ask_limit_on_launch:
    description:
      - Whether a launch may give a limit.
    type: bool
  ask_scm_branch_on_launch:
    description:
      - Whether a launch may give a branch.
    type: bool
  ask_skip_tags_on_launch:
    description:
      - Whether a launch may give tags to skip.
    type: bool
  ask_tags_on_launch:
    description:
      - Whether a launch may give tags.
    type: bool
  ask_timeout_on_launch:
    description:
      - Whether a launch may give a timeout.
    type: bool
  ask_variables_on_launch:
    description:
      - Whether a launch may give extra variables.
    type: bool
  ask_verbosity_on_launch:
    description:
      - Whether a launch may give a verbosity.
    type: bool
  state:
    description:
      - Whether the job template is to exist.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: playhook.webhooks.repository_webhook
"""

EXAMPLES = r"""
- name: A job for every pull request
  playhook.webhooks.job_template:
    name: site
    project: site
    inventory: web
    playbook: site.yml
    credentials:
      - deploy-key
    webhook_service: github
    webhook_credential: github-statuses
    return_webhook_key: true
  register: site
  no_log: true

- name: The repository's side of it
  playhook.webhooks.repository_webhook:
    service: github
    repository: example/site
    token: "{{ github_admin_token }}"
    url: "{{ site.webhook_url }}"
    key: "{{ site.webhook_key }}"
    events: [pull_request]

- name: A new key, while the old one is still good for an hour
  playhook.webhooks.job_template:
    name: site
    project: site
    rotate_webhook_key: true
    webhook_key_grace: 3600
"""

RETURN = r"""
id:
  description: The id of the job template; V(null) if there is none.
  returned: success
  type: int
  sample: 7
webhook_url:
  description:
    - The address that the service has to send deliveries to; V(null) without a webhook.
    - In check mode, before the job template exists, it holds V(ID) in the place of the id.
  returned: O(state=present)
  type: str
  sample: https://playhook.example.com/api/v2/job_templates/7/github/
webhook_key:
  description:
    - The webhook key; in check mode the words V((known after apply\)) where a real run makes a new one.
  returned: O(return_webhook_key=true) and a webhook
  type: str
  sample: 3zSg5Lk0cRkpvIjxOIKq5cWbk2yq7nCZP0Bf9kbiw0iXbQKJ6f
key_fingerprint:
  description:
    - >-
      The first 16 hexadecimal digits of a SHA-256 over the key, by which a key is known without being shown; V(null)
      without a webhook, and in check mode where a real run makes a new key.
  returned: O(state=present)
  type: str
  sample: 1f8b7c0a93d2e645
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.playhook.webhooks.plugins.module_utils._argspec import (
    WEBHOOK_EXCLUSIVE,
    controller_arguments,
    present_or_absent,
    survey_arguments,
    webhook_arguments,
)
from ansible_collections.playhook.webhooks.plugins.module_utils._controller.job_template import (
    ASKS,
    ensure_job_template,
)
from ansible_collections.playhook.webhooks.plugins.module_utils._controller.survey import not_secret
from ansible_collections.playhook.webhooks.plugins.module_utils._errors import PlayhookError


def main():
    options = dict(
        name=dict(type="str", required=True),
        organization=dict(type="str"),
        description=dict(type="str"),
        job_type=dict(type="str", choices=["run", "check"]),
        inventory=dict(type="str"),
        project=dict(type="str"),
        playbook=dict(type="str"),
        scm_branch=dict(type="str"),
        execution_environment=dict(type="str"),
        forks=dict(type="int"),
        limit=dict(type="str"),
        verbosity=dict(type="int", choices=[0, 1, 2, 3, 4, 5]),
        extra_vars=dict(type="dict"),
        job_tags=dict(type="str"),
        skip_tags=dict(type="str"),
        start_at_task=dict(type="str"),
        force_handlers=dict(type="bool"),
        timeout=dict(type="int"),
        job_slice_count=dict(type="int"),
        use_fact_cache=dict(type="bool"),
        become_enabled=dict(type="bool"),
        diff_mode=dict(type="bool"),
        allow_simultaneous=dict(type="bool"),
        credentials=dict(type="list", elements="str"),
        state=present_or_absent(),
    )
    options.update((f"ask_{name}_on_launch", dict(type="bool")) for name in ASKS)
    module = AnsibleModule(
        argument_spec=dict(controller_arguments(), **webhook_arguments(), **survey_arguments(), **options),
        mutually_exclusive=WEBHOOK_EXCLUSIVE,
        supports_check_mode=True,
    )
    # All of a survey counts as secret, as an option; only defaults of passwords are.
    module.no_log_values.difference_update(not_secret(module.params))
    try:
        result = ensure_job_template(module.params, module.check_mode)
    except PlayhookError as error:
        module.fail_json(msg=str(error), **error.result)
    for warning in result.pop("warnings"):
        module.warn(warning)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
