# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Encryption at rest: Fernet with keys from a file that only the receiver's user may read (SECURITY S18)."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from playhook.errors import SettingsError, StoreUnavailable

_MARK = "$playhook1$"


class Cipher:
    """Encrypts short texts. The file may hold several keys, one a line: the first encrypts, all decrypt."""

    def __init__(self, keys: list[bytes]) -> None:
        self._fernet = MultiFernet([Fernet(key) for key in keys])

    def encrypt(self, text: str) -> str:
        return _MARK + self._fernet.encrypt(text.encode()).decode()

    def decrypt(self, text: str) -> str:
        """Raise StoreUnavailable when the text was encrypted with a key that the file no longer holds."""
        try:
            return self._fernet.decrypt(text.removeprefix(_MARK).encode()).decode()
        except InvalidToken:
            raise StoreUnavailable(
                "a stored secret cannot be decrypted: restore the secret key file it was written with"
            ) from None


def is_encrypted(text: object) -> bool:
    """Say whether a stored value is one that Cipher made."""
    return isinstance(text, str) and text.startswith(_MARK)


def load_cipher(file: Path) -> Cipher:
    """Read the key file, making it (0600) where there is none. Raises SettingsError."""
    if not file.exists():
        _make_key_file(file)
    if file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO) & ~stat.S_IRGRP:
        raise SettingsError(f"secret key file {file} may be read by others: chmod 600 it")
    keys = file.read_bytes().split()
    try:
        return Cipher(keys)
    except ValueError:
        raise SettingsError(
            f"secret key file {file} holds no valid key: each line must be 32 bytes in URL-safe base64"
        ) from None


def _make_key_file(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return  # another process of this installation was first
    with os.fdopen(descriptor, "wb") as out:
        out.write(Fernet.generate_key() + b"\n")
        out.flush()
        os.fsync(out.fileno())
