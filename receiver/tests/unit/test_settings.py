# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings: where they come from, and what wrong ones are told."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from playhook.errors import SettingsError
from playhook.settings import Settings, load_settings, unknown_settings


def test_environment_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PLAYHOOK_HOME", str(tmp_path))
    monkeypatch.setenv("PLAYHOOK_WORKERS", "0")
    settings = load_settings()

    assert (settings.home, settings.workers) == (tmp_path, 0)
    assert settings.database == f"sqlite:///{tmp_path}/playhook.sqlite3"
    assert settings.secret_key == tmp_path / "secret_key"


def test_option_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLAYHOOK_PORT", "1111")
    assert load_settings(port=2222).port == 2222


def test_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLAYHOOK_BASE_URL", "")
    assert load_settings().base_url is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WORKERS", "-1"),
        ("WORKERS", "many"),
        ("PORT", "70000"),
        ("BASE_URL", "playhook.example.com"),
        ("MAX_BODY", "1"),
        ("FORWARDED_ALLOW_IPS", "10.0.0.1,proxy.example.com"),
        ("FORWARDED_ALLOW_IPS", "10.0.0.1/8"),
    ],
)
def test_wrong_value_names_the_setting(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"PLAYHOOK_{name}", value)
    with pytest.raises(SettingsError, match=f"PLAYHOOK_{name}"):
        load_settings()


def test_wrong_value_is_not_repeated_lest_it_is_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLAYHOOK_WORKERS", "hunter2")
    with pytest.raises(SettingsError) as error:
        load_settings()
    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ({"base_url": "https://hooks.example.com/"}, "https://hooks.example.com"),
        ({"host": "127.0.0.1", "port": 8052}, "http://127.0.0.1:8052"),
        ({"host": "::1", "port": 1}, "http://[::1]:1"),
        ({"host": "h", "port": 1, "ssl_certfile": "/c", "ssl_keyfile": "/k"}, "https://h:1"),
    ],
)
def test_public_url(given: dict[str, object], url: str) -> None:
    assert load_settings(**given).public_url == url


def test_passwords_do_not_show_in_a_representation() -> None:
    settings = Settings.model_validate({"admin_password": "hunter2", "database_url": "postgresql://u:hunter3@h/d"})
    assert "hunter" not in repr(settings)


def test_file_is_read_and_the_environment_wins_over_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "playhook.env"
    file.write_text("# comment\nPLAYHOOK_PORT=1111\nPLAYHOOK_WORKERS=7\nPLAYHOOK_UNKNOWN=ignored\n")
    monkeypatch.setenv("PLAYHOOK_WORKERS", "3")
    monkeypatch.setenv("PLAYHOOK_CONFIG", str(file))

    assert (load_settings().port, load_settings().workers) == (1111, 3)
    assert load_settings(file, port=2222).port == 2222


def test_missing_file_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"nowhere\.env cannot be read"):
        load_settings(tmp_path / "nowhere.env")


def test_unknown_names_are_told_with_the_nearest_known_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [each for each in os.environ if each.startswith("PLAYHOOK_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PLAYHOOK_WORKERS", "2")
    monkeypatch.setenv("PLAYHOOK_WORKRES", "3")
    file = tmp_path / "config"
    file.write_text("PLAYHOOK_PORT=1\nPLAYHOOK_ZZZ=secret\nOTHER=1\n")
    assert list(unknown_settings(file)) == [
        "PLAYHOOK_WORKRES is no setting and is ignored; did you mean PLAYHOOK_WORKERS?",
        "PLAYHOOK_ZZZ is no setting and is ignored",
    ]


def test_a_line_of_the_file_that_sets_nothing_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text("PLAYHOOK_PORT=1\nhunter2\n")
    with pytest.raises(SettingsError) as caught:
        load_settings(file)
    assert str(caught.value) == f"a line of the configuration file {file} is not NAME=value: correct it or delete it"


@pytest.mark.parametrize("queues", [",", " , ,"])
def test_queues_that_name_nothing_do_not_mean_all(queues: str) -> None:
    with pytest.raises(SettingsError, match="PLAYHOOK_QUEUES: names no instance group"):
        load_settings(queues=queues)
