#!/usr/bin/python
# Copyright: Playhook contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: inventory
short_description: Manage an inventory, its hosts and its groups
version_added: "0.1.0"
author:
  - Playhook contributors (!UNKNOWN)
description:
  - Creates, changes and deletes an inventory with its hosts and groups, of a Playhook receiver or an AWX.
extends_documentation_fragment:
  - playhook.webhooks.auth
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
      - The inventory's name. Together with O(organization) it finds the inventory.
    type: str
    required: true
  organization:
    description:
      - The organization that owns the inventory, by name or id.
    type: str
    default: Default
  description:
    description:
      - What the inventory is for.
    type: str
  variables:
    description:
      - The inventory's variables. They are shown in the diff; keep secrets in a credential.
    type: dict
  hosts:
    description:
      - The inventory's hosts. If the option is not set, the hosts stay as they are.
    type: list
    elements: dict
    suboptions:
      name:
        description:
          - The host's name.
        type: str
        required: true
      description:
        description:
          - What the host is.
        type: str
      enabled:
        description:
          - Whether jobs run on the host.
        type: bool
      variables:
        description:
          - The host's variables. They are shown in the diff; keep secrets in a credential.
        type: dict
  groups:
    version_added: "0.2.0"
    description:
      - The inventory's groups. If the option is not set, the groups stay as they are.
    type: list
    elements: dict
    suboptions:
      name:
        description:
          - The group's name.
        type: str
        required: true
      description:
        description:
          - What the group is.
        type: str
      hosts:
        description:
          - The names of all hosts that are in the group itself. If the option is not set, they stay as they are.
        type: list
        elements: str
      children:
        description:
          - The names of all groups that are in the group. If the option is not set, they stay as they are.
        type: list
        elements: str
      variables:
        description:
          - The group's variables. They are shown in the diff; keep secrets in a credential.
        type: dict
  source_path:
    description:
      - An inventory file or directory in the project of the job template, used besides O(hosts).
      - An empty string removes it.
      - AWX does not have this.
    type: str
  purge_hosts:
    description:
      - Whether to delete the hosts that O(hosts) does not name.
    type: bool
    default: false
  purge_groups:
    version_added: "0.2.0"
    description:
      - Whether to delete the groups that O(groups) does not name. Their hosts and children stay in the inventory.
    type: bool
    default: false
  state:
    description:
      - Whether the inventory is to exist.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: playhook.webhooks.job_template
"""

EXAMPLES = r"""
- name: Two web servers, and no others
  playhook.webhooks.inventory:
    name: web
    variables:
      ansible_user: deploy
    hosts:
      - name: web1.example.com
      - name: web2.example.com
        variables:
          ansible_port: 2222
    purge_hosts: true

- name: A group for each kind of host, and one of both
  playhook.webhooks.inventory:
    name: shop
    hosts:
      - name: web1.example.com
      - name: db1.example.com
    groups:
      - name: web
        hosts: [web1.example.com]
      - name: db
        hosts: [db1.example.com]
        variables:
          ansible_user: postgres
      - name: shop
        children: [web, db]

- name: The hosts that the project itself names
  playhook.webhooks.inventory:
    name: from-project
    source_path: inventories/production
"""

RETURN = r"""
id:
  description: The id of the inventory; V(null) if there is none.
  returned: success
  type: int
  sample: 7
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.playhook.webhooks.plugins.module_utils._argspec import controller_arguments, present_or_absent
from ansible_collections.playhook.webhooks.plugins.module_utils._controller.inventory import ensure_inventory
from ansible_collections.playhook.webhooks.plugins.module_utils._errors import PlayhookError


def main():
    host = dict(
        name=dict(type="str", required=True),
        description=dict(type="str"),
        enabled=dict(type="bool"),
        variables=dict(type="dict"),
    )
    group = dict(
        name=dict(type="str", required=True),
        description=dict(type="str"),
        hosts=dict(type="list", elements="str"),
        children=dict(type="list", elements="str"),
        variables=dict(type="dict"),
    )
    options = dict(
        name=dict(type="str", required=True),
        organization=dict(type="str", default="Default"),
        description=dict(type="str"),
        variables=dict(type="dict"),
        hosts=dict(type="list", elements="dict", options=host),
        groups=dict(type="list", elements="dict", options=group),
        source_path=dict(type="str"),
        purge_hosts=dict(type="bool", default=False),
        purge_groups=dict(type="bool", default=False),
        state=present_or_absent(),
    )
    module = AnsibleModule(
        argument_spec=dict(controller_arguments(), **options),
        required_if=[("purge_hosts", True, ["hosts"]), ("purge_groups", True, ["groups"])],
        supports_check_mode=True,
    )
    try:
        result = ensure_inventory(module.params, module.check_mode)
    except PlayhookError as error:
        module.fail_json(msg=str(error), **error.result)
    for warning in result.pop("warnings"):
        module.warn(warning)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
