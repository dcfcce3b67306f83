# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private ssh keys: unlocked in memory, so that nothing ever asks for a passphrase on a terminal.

ansible-runner answers prompts by searching the output for them, which hangs on long paths and loops on a wrong
passphrase; `ssh-keygen -P` would show the passphrase to every user of the machine.
"""

from __future__ import annotations

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    load_ssh_private_key,
)

from playhook.errors import JobCannotRun


def unlock_key(key: str, passphrase: str, credential: str) -> str:
    """Return the key without a passphrase. Raises JobCannotRun, which names the credential."""
    text = key.strip().replace("\r\n", "\n") + "\n"
    load = load_ssh_private_key if "BEGIN OPENSSH PRIVATE KEY" in text else load_pem_private_key
    try:
        load(text.encode(), password=None)
    except TypeError:
        pass  # it has a passphrase
    except UnsupportedAlgorithm:
        return text  # a kind that only OpenSSH knows; it will say what it thinks of it
    except ValueError:
        raise JobCannotRun(f'the ssh key of credential "{credential}" is not a private key in PEM format') from None
    else:
        return text
    if not passphrase:
        raise JobCannotRun(f'the ssh key of credential "{credential}" has a passphrase: add it to the credential')
    try:
        private = load(text.encode(), password=passphrase.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise JobCannotRun(f'the passphrase in credential "{credential}" does not open its ssh key') from None
    return private.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
