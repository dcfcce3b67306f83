# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The secret key file and what it encrypts."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from playhook.errors import SettingsError, StoreUnavailable
from playhook.store.encryption import is_encrypted, load_cipher


def test_key_file_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "state" / "secret_key"
    load_cipher(file)

    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_text_survives_a_restart_and_is_not_stored_in_clear(tmp_path: Path) -> None:
    file = tmp_path / "secret_key"
    stored = load_cipher(file).encrypt("ghp_planted")

    assert "ghp_planted" not in stored
    assert is_encrypted(stored)
    assert load_cipher(file).decrypt(stored) == "ghp_planted"


def test_key_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "secret_key"
    load_cipher(file)
    file.chmod(0o644)
    with pytest.raises(SettingsError, match="chmod 600"):
        load_cipher(file)


def test_older_key_still_decrypts_after_a_new_one_is_put_first(tmp_path: Path) -> None:
    file, other = tmp_path / "secret_key", tmp_path / "new_key"
    stored = load_cipher(file).encrypt("text")
    load_cipher(other)
    file.write_bytes(other.read_bytes() + file.read_bytes())

    assert load_cipher(file).decrypt(stored) == "text"


def test_lost_key_is_a_sentence(tmp_path: Path) -> None:
    stored = load_cipher(tmp_path / "a").encrypt("text")
    with pytest.raises(StoreUnavailable, match="secret key file"):
        load_cipher(tmp_path / "b").decrypt(stored)


def test_broken_key_file_is_a_sentence(tmp_path: Path) -> None:
    file = tmp_path / "secret_key"
    file.write_text("not a key\n")
    file.chmod(0o600)
    with pytest.raises(SettingsError, match="no valid key"):
        load_cipher(file)
