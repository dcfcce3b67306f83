# Copyright: Playhook contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  controller_host:
    description:
      - The address of the Playhook receiver, or of the AWX.
      - Without a scheme, V(https) is used.
      - If the option is not set, the environment variable E(CONTROLLER_HOST) is used.
    type: str
    default: https://127.0.0.1
  controller_username:
    description:
      - The user, whose name and password are sent with every request.
      - If the option is not set, the environment variable E(CONTROLLER_USERNAME) is used.
    type: str
  controller_password:
    description:
      - The password of O(controller_username).
      - If the option is not set, the environment variable E(CONTROLLER_PASSWORD) is used.
    type: str
  controller_oauthtoken:
    description:
      - A token, used instead of O(controller_username) and O(controller_password).
      - If the option is not set, the environment variable E(CONTROLLER_OAUTH_TOKEN) is used.
    type: str
  validate_certs:
    description:
      - Whether to verify the TLS certificate of O(controller_host).
      - If the option is not set, the environment variable E(CONTROLLER_VERIFY_SSL) is used.
    type: bool
    default: true
  request_timeout:
    description:
      - The number of seconds to wait for each answer.
      - If the option is not set, the environment variable E(CONTROLLER_REQUEST_TIMEOUT) is used.
    type: float
    default: 10.0
  ca_path:
    description:
      - A file of PEM certificates to trust, for a certificate that no public authority has signed.
      - Better than turning O(validate_certs) off.
    type: path
requirements:
  - Python 3.8 or newer on the host that runs the module, which is usually C(localhost)
notes:
  - Works with the Playhook receiver and with AWX 24; where AWX cannot do something, the option says so.
  - The module needs no Python package besides those of ansible-core.
"""
