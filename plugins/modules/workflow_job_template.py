#!/usr/bin/python
# Copyright: Playhook contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: workflow_job_template
short_description: Manage a workflow job template, its graph and its webhook
version_added: "0.2.0"
author:
  - Playhook contributors (!UNKNOWN)
description:
  - Creates, changes and deletes a workflow job template of a Playhook receiver or an AWX, with all of its nodes.
  - >-
    The graph is one thing. The module reads what is there, plans every write, and shows one diff before the first of
    them. A graph that has a cycle, or an edge to a node that does not exist, is refused before anything is written.
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
      - The workflow job template's name. Together with the organization it finds the workflow job template.
    type: str
    required: true
  organization:
    description:
      - The organization that owns the workflow job template, by name or id.
    type: str
  description:
    description:
      - What the workflow job template is for.
    type: str
  extra_vars:
    description:
      - Extra variables of every node. They are shown in the diff; keep secrets in a credential.
    type: dict
  inventory:
    description:
      - The inventory, by name or id, of every node whose template asks for one. An empty string removes it.
    type: str
  limit:
    description:
      - The limit of every node whose template asks for one. An empty string removes it.
    type: str
  scm_branch:
    description:
      - The branch of every node whose template asks for one. An empty string removes it.
    type: str
  job_tags:
    description:
      - The tags of every node whose template asks for them. An empty string removes them.
    type: str
  skip_tags:
    description:
      - The tags to skip of every node whose template asks for them. An empty string removes them.
    type: str
  allow_simultaneous:
    description:
      - Whether several jobs of this workflow may run at the same time.
    type: bool
  ask_inventory_on_launch:
    description:
      - Whether a launch may give an inventory.
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
  ask_variables_on_launch:
    description:
      - Whether a launch may give extra variables.
    type: bool
  nodes:
    description:
      - The nodes of the graph. If the option is not set, the graph stays as it is.
      - >-
        A listed node becomes what its entry says, and nothing more. What an entry leaves out is not prompted, and where
        it names no nodes that follow, none follow.
      - Nodes that are not listed stay as they are, unless O(purge_nodes) is set.
    type: list
    elements: dict
    suboptions:
      identifier:
        description:
          - The node's name within the workflow.
        type: str
        required: true
      unified_job_template:
        description:
          - What the node runs, by name or id. Give this or O(nodes[].approval).
        type: str
      type:
        description:
          - What kind of thing O(nodes[].unified_job_template) is. A project is updated.
        type: str
        choices: [job_template, project, workflow_job_template]
        default: job_template
      organization:
        description:
          - The organization of O(nodes[].unified_job_template), where several have something of that name.
        type: str
      approval:
        description:
          - Makes the node wait until somebody approves it. Denied, or after its timeout, it has failed.
        type: dict
        suboptions:
          name:
            description:
              - What is to be approved, in words for whoever decides.
            type: str
            required: true
          description:
            description:
              - More about it.
            type: str
          timeout:
            description:
              - The number of seconds after which it counts as denied. V(0) is never.
            type: int
      all_parents_must_converge:
        description:
          - Whether the node waits for all of its parents, and runs only if each led to it.
        type: bool
        default: false
      extra_data:
        description:
          - Extra variables of this node, where its template or its survey asks for them.
          - Answers to questions for a password are not shown in the diff. A server that has one cannot say which, so it
            counts as the same, see O(update_survey_secrets). Keep them out of the log with C(no_log) on the task.
        type: dict
      inventory:
        description:
          - The inventory of this node, by name or id, where its template asks for one.
        type: str
      credentials:
        description:
          - The names or ids of credentials of this node, where its template asks for them.
        type: list
        elements: str
      limit:
        description:
          - The limit of this node, where its template asks for one.
        type: str
      scm_branch:
        description:
          - The branch of this node, where its template asks for one.
        type: str
      job_type:
        description:
          - The job type of this node, where its template asks for one.
        type: str
        choices: [run, check]
      job_tags:
        description:
          - The tags of this node, where its template asks for them.
        type: str
      skip_tags:
        description:
          - The tags to skip of this node, where its template asks for them.
        type: str
      diff_mode:
        description:
          - Whether this node shows differences, where its template asks for it.
        type: bool
      verbosity:
        description:
          - How much the output of this node says, where its template asks for it.
        type: int
        choices: [0, 1, 2, 3, 4, 5]
      forks:
        description:
          - How many hosts this node works on at a time, where its template asks for it.
        type: int
      job_slice_count:
        description:
          - Into how many jobs this node is cut, where its template asks for it.
        type: int
      timeout:
        description:
          - The number of seconds after which this node's job is canceled, where its template asks for it.
        type: int
      success_nodes:
        description:
          - The identifiers of the nodes that follow when this one was successful.
        type: list
        elements: str
      failure_nodes:
        description:
          - The identifiers of the nodes that follow when this one failed.
        type: list
        elements: str
      always_nodes:
        description:
          - The identifiers of the nodes that follow in any case.
        type: list
        elements: str
  purge_nodes:
    description:
      - Whether to delete the nodes that O(nodes) does not list.
    type: bool
    default: false
  node_statuses:
    description:
      - Whether each node posts a status of its own, besides the one of the workflow.
      - AWX does not have this.
    type: bool
  state:
    description:
      - Whether the workflow job template is to exist.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: playhook.webhooks.job_template
  - module: playhook.webhooks.repository_webhook
"""

EXAMPLES = r"""
- name: Every pull request is built, tested, approved by somebody, and deployed for review
  playhook.webhooks.workflow_job_template:
    name: release
    organization: Default
    webhook_service: github
    webhook_credential: github-statuses
    purge_nodes: true
    nodes:
      - identifier: build
        unified_job_template: build
        success_nodes: [unit, browser]
        failure_nodes: [tell]
      - identifier: unit
        unified_job_template: test
        extra_data: {suite: unit}
        success_nodes: [ask]
      - identifier: browser
        unified_job_template: test
        extra_data: {suite: browser}
        success_nodes: [ask]
      - identifier: ask
        approval: {name: "Deploy it for review?", timeout: 86400}
        all_parents_must_converge: true
        success_nodes: [deploy]
      - identifier: deploy
        unified_job_template: deploy
        limit: review
      - identifier: tell
        unified_job_template: tell-the-team
    return_webhook_key: true
  register: release
  no_log: true

- name: The repository's side of it
  playhook.webhooks.repository_webhook:
    service: github
    repository: example/site
    token: "{{ github_admin_token }}"
    url: "{{ release.webhook_url }}"
    key: "{{ release.webhook_key }}"
    events: [pull_request]
"""

RETURN = r"""
id:
  description: The id of the workflow job template; V(null) if there is none.
  returned: success
  type: int
  sample: 7
webhook_url:
  description:
    - The address that the service has to send deliveries to; V(null) without a webhook.
    - In check mode, before the workflow job template exists, it holds V(ID) in the place of the id.
  returned: O(state=present)
  type: str
  sample: https://playhook.example.com/api/v2/workflow_job_templates/7/github/
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
from ansible_collections.playhook.webhooks.plugins.module_utils._controller.survey import not_secret
from ansible_collections.playhook.webhooks.plugins.module_utils._controller.workflow_job_template import (
    ASKS,
    ensure_workflow_job_template,
)
from ansible_collections.playhook.webhooks.plugins.module_utils._errors import PlayhookError


def node_arguments():
    approval = dict(name=dict(type="str", required=True), description=dict(type="str"), timeout=dict(type="int"))
    return dict(
        identifier=dict(type="str", required=True),
        unified_job_template=dict(type="str"),
        type=dict(type="str", choices=["job_template", "project", "workflow_job_template"], default="job_template"),
        organization=dict(type="str"),
        approval=dict(type="dict", options=approval),
        all_parents_must_converge=dict(type="bool", default=False),
        extra_data=dict(type="dict"),
        inventory=dict(type="str"),
        credentials=dict(type="list", elements="str"),
        limit=dict(type="str"),
        scm_branch=dict(type="str"),
        job_type=dict(type="str", choices=["run", "check"]),
        job_tags=dict(type="str"),
        skip_tags=dict(type="str"),
        diff_mode=dict(type="bool"),
        verbosity=dict(type="int", choices=[0, 1, 2, 3, 4, 5]),
        forks=dict(type="int"),
        job_slice_count=dict(type="int"),
        timeout=dict(type="int"),
        success_nodes=dict(type="list", elements="str"),
        failure_nodes=dict(type="list", elements="str"),
        always_nodes=dict(type="list", elements="str"),
    )


def main():
    options = dict(
        name=dict(type="str", required=True),
        organization=dict(type="str"),
        description=dict(type="str"),
        extra_vars=dict(type="dict"),
        inventory=dict(type="str"),
        limit=dict(type="str"),
        scm_branch=dict(type="str"),
        job_tags=dict(type="str"),
        skip_tags=dict(type="str"),
        allow_simultaneous=dict(type="bool"),
        nodes=dict(
            type="list",
            elements="dict",
            options=node_arguments(),
            required_one_of=[("unified_job_template", "approval")],
            mutually_exclusive=[("unified_job_template", "approval")],
        ),
        purge_nodes=dict(type="bool", default=False),
        node_statuses=dict(type="bool"),
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
        result = ensure_workflow_job_template(module.params, module.check_mode)
    except PlayhookError as error:
        module.fail_json(msg=str(error), **error.result)
    for warning in result.pop("warnings"):
        module.warn(warning)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
