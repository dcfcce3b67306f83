# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Known secrets are masked wherever they are printed."""

from __future__ import annotations

import orjson
import pytest

from playhook.worker.masking import Mask

KEY = "-----BEGIN KEY-----\nAAAAbbbbCCCCdddd\nEEEEffffGGGGhhhh\n-----END KEY-----\n"


@pytest.mark.parametrize(
    ("secret", "printed"),
    [
        ("hunter22", "the password is hunter22."),
        ('quo"te\\d', 'plain quo"te\\d'),
        ('quo"te\\d', orjson.dumps({"msg": 'quo"te\\d'}).decode()),
        (KEY, "line: EEEEffffGGGGhhhh"),
        (KEY, KEY),
        ("ünïcode-pass", "x ünïcode-pass"),
    ],
)
def test_a_secret_is_masked_in_text_and_in_documents(secret: str, printed: str) -> None:
    mask = Mask({secret})

    loaded = mask.load(orjson.dumps({"event": {"stdout": printed, "list": [{"deep": printed}]}}))

    assert "********" in mask.text(printed)
    for text in (mask.text(printed), loaded["event"]["stdout"], loaded["event"]["list"][0]["deep"]):
        assert not any(line in text for line in secret.splitlines() if not line.startswith("-"))


def test_keys_of_the_protocol_and_short_secrets_do_not_tear_documents_apart() -> None:
    document = {"event": {"stdout": "root ok abc", "uuid": "u"}}

    assert Mask({"abc", "", "ok"}).load(orjson.dumps(document)) == document


def test_nul_is_removed_and_a_backslash_u_is_not() -> None:
    document = {"a": "x\x00y", "b": "\\u0000"}

    assert Mask(()).load(orjson.dumps(document)) == {"a": "xy", "b": "\\u0000"}


def test_arguments_and_environment_are_masked() -> None:
    mask = Mask({"hunter22"})

    assert mask.arguments(["git", "https://me:pw@host/x", "-e", "p=hunter22"]) == [
        "git",
        "https://me:********@host/x",
        "-e",
        "p=********",
    ]
    assert mask.environment(
        {"PATH": "/bin", "A_TOKEN": "t", "MY_PASSWORD": "p", "https_proxy": "http://u:p@proxy:1", "X": "hunter22"}
    ) == {
        "PATH": "/bin",
        "A_TOKEN": "********",
        "MY_PASSWORD": "********",
        "https_proxy": "http://u:********@proxy:1",
        "X": "********",
    }
