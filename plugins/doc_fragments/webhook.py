# Copyright: Playhook contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  webhook_service:
    description:
      - The service that sends deliveries, for example V(github) or V(gitlab). An empty string removes the webhook.
      - The server makes a key when the service is set or changed.
    type: str
  webhook_credential:
    description:
      - The token credential of the same service that posts statuses, by name or id. An empty string removes it.
    type: str
  status_context:
    description:
      - The name under which statuses are posted. An empty string is V(playhook/NAME), NAME being the template's.
      - AWX does not have this.
    type: str
  allow_sha1:
    description:
      - Whether to accept deliveries that are signed with SHA-1 alone, which only old services send.
      - AWX does not have this.
    type: bool
  webhook_key:
    description:
      - A webhook key of your own, of 20 to 64 characters.
      - If the option is not set, the server's key stays as it is.
      - AWX does not have this; it makes every key itself, see O(return_webhook_key).
    type: str
  rotate_webhook_key:
    description:
      - Whether to have the server make a new key now. The module then always reports a change.
    type: bool
    default: false
  webhook_key_grace:
    description:
      - The number of seconds for which the old key is still accepted after a change of the key.
      - AWX does not have this; it drops the old key at once.
    type: int
  return_webhook_key:
    description:
      - Whether to return the webhook key. Use C(no_log) on the task, because Ansible shows what a task returns.
    type: bool
    default: false
"""
