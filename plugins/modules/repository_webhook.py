#!/usr/bin/python
# Copyright: Playhook contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: repository_webhook
short_description: Manage a repository's webhook
version_added: "0.1.0"
author:
  - Playhook contributors (!UNKNOWN)
description:
  - Creates, changes and deletes the webhook of a repository on GitHub or GitLab, the side that sends deliveries.
  - Deliveries are sent as JSON.
  - >-
    No service shows the key of a hook, so the module sets the key unless it is known to be right. On GitHub it is if
    the hook's last delivery was signed with it; the module has GitHub send a ping when it sets the key, and waits up
    to ten seconds for it. GitHub remembers deliveries for three days, so a hook that was silent for longer gets its
    key again. On GitLab the module leaves the key's fingerprint at the end of the hook's description, and the key is
    right if that fingerprint is there and the receiver has refused no delivery since; before GitLab 17.1 hooks have
    no description, and get their key each time.
extends_documentation_fragment:
  - playhook.webhooks.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
options:
  service:
    description:
      - The service that has the repository.
    type: str
    choices: [github, gitlab]
    required: true
  repository:
    description:
      - The repository, V(owner/name) on GitHub, the project's path or id on GitLab.
    type: str
    required: true
  api_url:
    description:
      - The address of the service. For GitHub the base of the API, for example V(https://github.example.com/api/v3);
        for
        GitLab the instance, for example V(https://gitlab.example.com).
      - If the option is not set, it is V(https://api.github.com) or V(https://gitlab.com).
    type: str
  token:
    description:
      - A token that may administer the repository's webhooks. On GitHub a fine-grained one with C(Webhooks) read and
        write,
        or a classic one with C(admin:repo_hook); on GitLab one with the scope C(api) and the role Maintainer.
      - If the option is not set, the environment variable E(GITHUB_TOKEN) or E(GITLAB_TOKEN) is used.
    type: str
  validate_certs:
    description:
      - Whether to verify the TLS certificate of O(api_url).
    type: bool
    default: true
  request_timeout:
    description:
      - The number of seconds to wait for each answer.
    type: float
    default: 10.0
  ca_path:
    description:
      - A file of PEM certificates to trust, for a certificate that no public authority has signed.
    type: path
  hook_id:
    description:
      - The id of the hook. Nothing else is then looked at to find it.
    type: int
  url:
    description:
      - The address that deliveries are sent to, as RV(playhook.webhooks.job_template#module:webhook_url) has it.
      - A hook with this address is the one that is managed. Needed to create one.
    type: str
  url_pattern:
    description:
      - A shell pattern for the address of the hook, to find it where its address is to change, for example
        V(https://*/api/v2/job_templates/7/github/).
    type: str
  name:
    description:
      - The hook's name, which finds it as well. GitLab 17.1 and newer; GitHub's hooks have no name of their own.
    type: str
  key:
    description:
      - The webhook key. Needed to create a hook. If the option is not set, the hook's key stays as it is.
      - On GitLab a change of O(url) needs it, because GitLab then forgets the key.
    type: str
  events:
    description:
      - The events that are sent, named as the service's API does, on GitLab with or without C(_events).
      - If the option is not set, those of a hook that exists stay as they are, and a new one sends V(pull_request) on
        GitHub
        and V(merge_requests), V(push) and V(tag_push) on GitLab, the events that statuses are posted for.
    type: list
    elements: str
  active:
    description:
      - Whether the hook sends anything. If the option is not set, it stays as it is; a new hook is active.
      - On GitLab it cannot be V(false).
    type: bool
  hook_validate_certs:
    description:
      - Whether the service verifies the TLS certificate of O(url).
    type: bool
    default: true
    aliases: [enable_ssl_verification]
  purge_duplicates:
    description:
      - Whether to delete all but one if several hooks fit. Otherwise that is an error.
    type: bool
    default: false
  test:
    description:
      - Whether to have the service send a test delivery, and to fail unless it is accepted. On GitHub that is a ping,
        which
        launches nothing; on GitLab it is a push event.
      - Not done in check mode, and not counted as a change.
    type: bool
    default: false
  test_timeout:
    description:
      - The number of seconds to wait for the test delivery.
    type: int
    default: 30
  state:
    description:
      - Whether the hook is to exist.
    type: str
    choices: [present, absent]
    default: present
requirements:
  - Python 3.8 or newer on the host that runs the module, which is usually C(localhost)
notes:
  - >-
    The module is not in the action group C(playhook.webhooks.all), because that group's O(validate_certs) is about the
    receiver and must not turn off the verification of the service.
seealso:
  - module: playhook.webhooks.job_template
"""

EXAMPLES = r"""
- name: Send pull requests to the receiver
  playhook.webhooks.repository_webhook:
    service: github
    repository: example/site
    token: "{{ github_admin_token }}"
    url: "{{ site.webhook_url }}"
    key: "{{ site.webhook_key }}"
    events: [pull_request]
    test: true

- name: Move a hook to another host name and keep its key
  playhook.webhooks.repository_webhook:
    service: github
    repository: example/site
    url_pattern: https://awx.example.com/api/v2/job_templates/7/github/
    url: https://playhook.example.com/api/v2/job_templates/7/github/

- name: Send merge requests from a GitLab of one's own
  playhook.webhooks.repository_webhook:
    service: gitlab
    api_url: https://gitlab.example.com
    repository: group/site
    name: playhook site
    url: "{{ site.webhook_url }}"
    key: "{{ site.webhook_key }}"
    events: [merge_requests]

- name: No hook any more
  playhook.webhooks.repository_webhook:
    service: github
    repository: example/site
    url: https://playhook.example.com/api/v2/job_templates/7/github/
    state: absent
"""

RETURN = r"""
hook_id:
  description: The id of the hook; V(null) if there is none.
  returned: success
  type: int
  sample: 12345678
hook:
  description: The hook as it is, or would be; V(null) if there is none.
  returned: success
  type: dict
  sample:
    active: true
    content_type: json
    events: [pull_request]
    hook_validate_certs: true
    key: set
    name: null
    url: https://playhook.example.com/api/v2/job_templates/7/github/
key_fingerprint:
  description: The fingerprint of O(key), the same as RV(playhook.webhooks.job_template#module:key_fingerprint).
  returned: success
  type: str
  sample: 1f8b7c0a93d2e645
test_status_code:
  description: The status with which the test delivery was answered.
  returned: O(test=true) and O(state=present), not in check mode
  type: int
  sample: 200
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.playhook.webhooks.plugins.module_utils._argspec import present_or_absent
from ansible_collections.playhook.webhooks.plugins.module_utils._errors import PlayhookError
from ansible_collections.playhook.webhooks.plugins.module_utils._scm.repository_webhook import (
    ensure_repository_webhook,
    token_of,
)


def main():
    options = dict(
        service=dict(type="str", choices=["github", "gitlab"], required=True),
        repository=dict(type="str", required=True),
        api_url=dict(type="str"),
        token=dict(type="str", no_log=True),
        validate_certs=dict(type="bool", default=True),
        request_timeout=dict(type="float", default=10.0),
        ca_path=dict(type="path"),
        hook_id=dict(type="int"),
        url=dict(type="str"),
        url_pattern=dict(type="str"),
        name=dict(type="str"),
        key=dict(type="str", no_log=True),
        events=dict(type="list", elements="str"),
        active=dict(type="bool"),
        hook_validate_certs=dict(type="bool", default=True, aliases=["enable_ssl_verification"]),
        purge_duplicates=dict(type="bool", default=False),
        test=dict(type="bool", default=False),
        test_timeout=dict(type="int", default=30),
        state=present_or_absent(),
    )
    module = AnsibleModule(
        argument_spec=options,
        required_one_of=[("hook_id", "url", "url_pattern", "name")],
        supports_check_mode=True,
    )
    try:
        token = token_of(module.params)
        module.no_log_values.add(token)
        result = ensure_repository_webhook(module.params, token, module.check_mode)
    except PlayhookError as error:
        module.fail_json(msg=str(error), **error.result)
    for warning in result.pop("warnings"):
        module.warn(warning)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
