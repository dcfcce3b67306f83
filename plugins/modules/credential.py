#!/usr/bin/python
# Copyright: Playhook contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: credential
short_description: Manage a credential
version_added: "0.1.0"
author:
  - Playhook contributors (!UNKNOWN)
description:
  - Creates, changes and deletes a credential of a Playhook receiver or an AWX.
  - >-
    Secrets are never read back. A Playhook receiver compares them with what it holds and says only whether they are the
    same, so that the module changes something only where there is something to change.
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
      - The credential's name. Together with O(organization) and O(credential_type) it finds the credential.
    type: str
    required: true
  organization:
    description:
      - The organization that owns the credential, by name or id.
    type: str
    default: Default
  credential_type:
    description:
      - The type, by name or id, for example V(GitHub Personal Access Token), V(GitLab Personal Access Token),
        V(Machine), V(Source Control) or V(Vault).
    type: str
    required: true
  description:
    description:
      - What the credential is for.
    type: str
  inputs:
    description:
      - The credential's inputs, as its type names them. What is not named stays as it is.
      - An empty string removes an input. The value V($encrypted$), which the API shows in the place of a secret,
        keeps it.
      - >-
        The token types of a Playhook receiver know V(api_url), the only address that the token is ever sent to;
        without it
        that is the public service. AWX does not know it.
    type: dict
  update_secrets:
    description:
      - What to do with a secret that the server holds already but cannot compare, which is the case on AWX.
      - With V(true) it is set each time, and the module reports a change each time.
      - With V(false) it is taken to be the same. In the awx.awx collection the default is V(true).
      - A Playhook receiver compares, so that this has no effect there.
    type: bool
    default: false
  state:
    description:
      - Whether the credential is to exist.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: playhook.webhooks.job_template
"""

EXAMPLES = r"""
- name: The token that posts statuses to GitHub
  playhook.webhooks.credential:
    name: github-statuses
    credential_type: GitHub Personal Access Token
    inputs:
      token: "{{ lookup('ansible.builtin.env', 'GITHUB_TOKEN') }}"

- name: The same for a GitHub Enterprise Server
  playhook.webhooks.credential:
    name: ghes-statuses
    credential_type: GitHub Personal Access Token
    inputs:
      token: "{{ ghes_token }}"
      api_url: https://github.example.com/api/v3

- name: The key that reaches the hosts
  playhook.webhooks.credential:
    name: deploy-key
    credential_type: Machine
    inputs:
      username: deploy
      ssh_key_data: "{{ lookup('ansible.builtin.file', '~/.ssh/deploy') }}"
"""

RETURN = r"""
id:
  description: The id of the credential; V(null) if there is none.
  returned: success
  type: int
  sample: 7
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.playhook.webhooks.plugins.module_utils._argspec import controller_arguments, present_or_absent
from ansible_collections.playhook.webhooks.plugins.module_utils._controller.credential import ensure_credential
from ansible_collections.playhook.webhooks.plugins.module_utils._errors import PlayhookError


def main():
    options = dict(
        name=dict(type="str", required=True),
        organization=dict(type="str", default="Default"),
        credential_type=dict(type="str", required=True),
        description=dict(type="str"),
        inputs=dict(type="dict", no_log=True),
        update_secrets=dict(type="bool", default=False, no_log=False),
        state=present_or_absent(),
    )
    module = AnsibleModule(argument_spec=dict(controller_arguments(), **options), supports_check_mode=True)
    try:
        result, not_secret = ensure_credential(module.params, module.check_mode)
    except PlayhookError as error:
        module.fail_json(msg=str(error), **error.result)
    # All inputs count as secret until the credential's type has said which are; a user name need not be masked.
    module.no_log_values.difference_update(not_secret)
    for warning in result.pop("warnings"):
        module.warn(warning)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
