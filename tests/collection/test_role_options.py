# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role's options, its defaults, its documentation and the receiver's settings say the same."""

from __future__ import annotations

from typing import Any

import yaml

from playhook.settings import Settings

from .conftest import TOP

ROLE = TOP / "roles/webhook_receiver"
# Settings that are set otherwise, or that so few need that webhook_receiver_environment is the place for them.
NOT_OPTIONS = {"isolation", "log_format", "refusals_per_minute", "ssl_certfile", "ssl_keyfile"}
# The role gives the service a place of its own.
OTHER_DEFAULTS = {"home"}


def load(name: str) -> dict[str, Any]:
    return yaml.safe_load((ROLE / name).read_text())


def test_each_setting_of_the_receiver_is_an_option() -> None:
    written = {name.lower() for name in load("vars/main.yml")["__webhook_receiver_settings"]}
    assert written | NOT_OPTIONS == set(Settings.model_fields)
    assert written & NOT_OPTIONS == set()


def test_each_option_is_documented_with_its_default() -> None:
    documented = load("meta/argument_specs.yml")["argument_specs"]["main"]["options"]
    assert {name: option["default"] for name, option in documented.items()} == load("defaults/main.yml")
    assert [name for name, option in documented.items() if not option["description"]] == []


def test_defaults_are_the_receivers_own() -> None:
    defaults = load("defaults/main.yml")
    for name, field in Settings.model_fields.items():
        option = f"webhook_receiver_{name}"
        if option in defaults and name not in OTHER_DEFAULTS:
            default = defaults[option]
            shown = _as_setting(default)
            assert shown == (field.default if field.default is not None else ""), option


def _as_setting(value: Any) -> Any:
    if isinstance(value, bool):
        return "on" if value else "off"
    return ",".join(value) if isinstance(value, list) else value
