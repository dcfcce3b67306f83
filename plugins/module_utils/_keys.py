# Copyright: Playhook contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What both sides must agree on about a webhook key, which neither side shows."""

from __future__ import annotations

import hashlib

from ansible.module_utils.common.text.converters import to_bytes
from ansible_collections.playhook.webhooks.plugins.module_utils._errors import InvalidOption

# What Ansible, GitHub and AWX show in the place of a secret. A service takes them as a key without a word.
_MASKS = ("********", "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER", "$encrypted$")


def key_fingerprint(key):
    """Return the 16 hexadecimal digits by which the receiver and the modules know a webhook key without showing it."""
    return hashlib.sha256(b"playhook-webhook-key:" + to_bytes(key)).hexdigest()[:16]


def refuse_mask(option, secret):
    """Raise InvalidOption if a secret is what some program shows in the place of one."""
    if secret is not None and (secret in _MASKS or (secret and not secret.strip("*"))):
        raise InvalidOption(
            f"{option} is a mask that stands for a secret, not the secret itself. Pass the real value, or omit it."
        )
