# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gate remembers a verified password for a minute, and no longer."""

from __future__ import annotations

import asyncio
import base64
import threading

import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request

from playhook.settings import Settings
from playhook.store.store import Store
from playhook.store.users import create_superuser, find_user_by_name, hash_password, set_password_hash
from playhook.web.auth import Claim, Gate, Principal


class _Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def _request(username: str, password: str) -> Request:
    pair = base64.b64encode(f"{username}:{password}".encode())
    return Request({"type": "http", "headers": [(b"authorization", b"Basic " + pair)], "client": ("192.0.2.1", 1)})


@pytest.fixture
def gate(store: Store, settings: Settings) -> tuple[Gate, _Clock]:
    store.write(create_superuser, "admin", hash_password("right"))
    clock = _Clock()
    return Gate(store, settings, clock), clock


def test_a_remembered_password_is_forgotten_after_a_minute(
    gate: tuple[Gate, _Clock], monkeypatch: pytest.MonkeyPatch
) -> None:
    the_gate, clock = gate
    asyncio.run(the_gate.identify(_request("admin", "right")))

    def refuse(_hash: str | None, _password: str) -> bool:
        raise AssertionError("hashed again")

    monkeypatch.setattr("playhook.web.auth.verify_password", refuse)
    clock.now += 59
    assert asyncio.run(the_gate.identify(_request("admin", "right"))) is not None
    clock.now += 2
    with pytest.raises(AssertionError, match="hashed again"):
        asyncio.run(the_gate.identify(_request("admin", "right")))


def test_a_remembered_password_does_not_outlive_its_change(gate: tuple[Gate, _Clock], store: Store) -> None:
    the_gate, _clock = gate
    claim = asyncio.run(the_gate.identify(_request("admin", "right")))
    assert claim is not None
    with store.reading() as connection:
        assert the_gate.resolve(connection, claim) is not None
        user = find_user_by_name(connection, "admin")
    assert user is not None
    store.write(set_password_hash, user["id"], hash_password("other"))
    with store.reading() as connection:
        assert the_gate.resolve(connection, claim) is None


def test_neither_claims_nor_the_gate_show_passwords_or_tokens(gate: tuple[Gate, _Clock]) -> None:
    the_gate, _clock = gate
    claim = asyncio.run(the_gate.identify(_request("admin", "right")))
    assert "argon2" not in repr(claim)
    assert "right" not in repr(vars(the_gate))
    assert "a-token" not in repr(Claim(token="a-token"))


def test_wrong_passwords_raise_401(gate: tuple[Gate, _Clock]) -> None:
    the_gate, _clock = gate
    for username, password in (("admin", "wrong"), ("nobody", "right"), ("admin", "")):
        with pytest.raises(HTTPException) as refusal:
            asyncio.run(the_gate.identify(_request(username, password)))
        assert refusal.value.status_code == 401


@pytest.mark.parametrize(
    ("rank", "levels"),
    [
        ("is_superuser", {"everyone", "readers", "operators", "administrators", "nobody"}),
        ("is_system_auditor", {"everyone", "readers"}),
        ("is_operator", {"everyone", "readers", "operators"}),
        (None, {"everyone"}),
    ],
)
def test_levels(rank: str | None, levels: set[str]) -> None:
    ranks = {name: name == rank for name in ("is_superuser", "is_system_auditor", "is_operator")}
    principal = Principal(id=1, username="x", **ranks)
    asked = ("everyone", "readers", "operators", "administrators", "nobody")
    assert {level for level in asked if principal.may(level)} == levels


def test_hashing_a_password_leaves_the_event_loop_free(
    gate: tuple[Gate, _Clock], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hash waits for something that only the event loop does; were it hashed in the loop, both would wait."""
    the_gate, _clock = gate
    went_on = threading.Event()

    def wait_for_the_loop(_hash: str | None, _password: str) -> bool:
        return went_on.wait(60)

    async def identify_and_go_on() -> Claim | None:
        identifying = asyncio.create_task(the_gate.identify(_request("admin", "right")))
        await asyncio.sleep(0.05)
        went_on.set()
        return await identifying

    monkeypatch.setattr("playhook.web.auth.verify_password", wait_for_the_loop)
    assert asyncio.run(identify_and_go_on()) is not None
