#!/usr/bin/python
# Copyright: Playhook contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: project
short_description: Manage a project
version_added: "0.1.0"
author:
  - Playhook contributors (!UNKNOWN)
description:
  - Creates, changes and deletes a project, the directory that playbooks come from, of a Playhook receiver or an AWX.
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
      - The project's name. Together with O(organization) it finds the project.
    type: str
    required: true
  organization:
    description:
      - The organization that owns the project, by name or id.
    type: str
    default: Default
  description:
    description:
      - What the project is for.
    type: str
  scm_type:
    description:
      - Where the files come from. V(manual) is a directory on the server that somebody else fills.
      - If the option is not set, a new project is V(manual).
    type: str
    choices: [manual, git]
  scm_url:
    description:
      - The repository to clone.
    type: str
  scm_branch:
    description:
      - The branch, tag or commit to check out. Empty is the repository's default branch.
    type: str
  scm_refspec:
    description:
      - A refspec to fetch besides the branches and tags.
    type: str
  scm_clean:
    description:
      - Whether to throw local changes away before each update.
    type: bool
  scm_delete_on_update:
    description:
      - Whether to clone anew for each update.
    type: bool
  scm_track_submodules:
    description:
      - Whether to follow the submodules' branches.
    type: bool
  scm_update_on_launch:
    description:
      - Whether to update the project before each job.
    type: bool
  scm_update_cache_timeout:
    description:
      - The number of seconds for which an update before a job is taken as fresh.
    type: int
  allow_override:
    description:
      - Whether a job template may choose another branch.
    type: bool
  credential:
    description:
      - The credential that clones, by name or id. An empty string removes it.
    type: str
  local_path:
    description:
      - The directory of a manual project, below the server's directory of projects.
    type: path
  update_project:
    description:
      - Whether to update the project's files now. The module then always reports a change.
      - A new project, and one whose O(scm_url), O(scm_branch), O(scm_refspec) or O(scm_type) changes, is updated
        anyhow.
    type: bool
    default: false
  wait:
    description:
      - Whether to wait for an update that runs, and to fail if it fails.
    type: bool
    default: true
  interval:
    description:
      - The number of seconds between two looks at the update.
    type: float
    default: 1.0
  timeout:
    description:
      - The number of seconds to wait for the update at the most.
      - Unlike in the awx.awx collection it is not stored as the time limit of the update itself.
    type: int
    default: 300
  state:
    description:
      - Whether the project is to exist.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: playhook.webhooks.job_template
"""

EXAMPLES = r"""
- name: Playbooks from a repository
  playhook.webhooks.project:
    name: site
    scm_type: git
    scm_url: https://github.com/example/site.git
    scm_branch: main
    scm_update_on_launch: true

- name: Playbooks from a directory on the server
  playhook.webhooks.project:
    name: local
    scm_type: manual
    local_path: local
"""

RETURN = r"""
id:
  description: The id of the project; V(null) if there is none.
  returned: success
  type: int
  sample: 7
scm_revision:
  description: The commit that is checked out.
  returned: success
  type: str
  sample: 7c1f1a3f0b1a4f39a4f5d7f0cb0d6f7c0f6f7b1e
status:
  description: How the last update ended, as the server says it.
  returned: success
  type: str
  sample: successful
job_explanation:
  description: Why the update did not succeed.
  returned: failure of an update
  type: str
  sample: The repository https://github.com/example/site.git could not be cloned
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.playhook.webhooks.plugins.module_utils._argspec import controller_arguments, present_or_absent
from ansible_collections.playhook.webhooks.plugins.module_utils._controller.project import ensure_project
from ansible_collections.playhook.webhooks.plugins.module_utils._errors import PlayhookError


def main():
    options = dict(
        name=dict(type="str", required=True),
        organization=dict(type="str", default="Default"),
        description=dict(type="str"),
        scm_type=dict(type="str", choices=["manual", "git"]),
        scm_url=dict(type="str"),
        scm_branch=dict(type="str"),
        scm_refspec=dict(type="str"),
        scm_clean=dict(type="bool"),
        scm_delete_on_update=dict(type="bool"),
        scm_track_submodules=dict(type="bool"),
        scm_update_on_launch=dict(type="bool"),
        scm_update_cache_timeout=dict(type="int"),
        allow_override=dict(type="bool"),
        credential=dict(type="str"),
        local_path=dict(type="path"),
        update_project=dict(type="bool", default=False),
        wait=dict(type="bool", default=True),
        interval=dict(type="float", default=1.0),
        timeout=dict(type="int", default=300),
        state=present_or_absent(),
    )
    module = AnsibleModule(argument_spec=dict(controller_arguments(), **options), supports_check_mode=True)
    try:
        result = ensure_project(module.params, module.check_mode)
    except PlayhookError as error:
        module.fail_json(msg=str(error), **error.result)
    for warning in result.pop("warnings"):
        module.warn(warning)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
