# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose word about the sender's address is believed (SECURITY S15)."""

from __future__ import annotations

import pytest
import requests
from tests.acceptance.conftest import Installation, MakeInstallation
from tests.acceptance.machines import wait_for

# A documentation address (RFC 5737), which nobody has.
FORGED = "203.0.113.7"


def refused_from(live: Installation) -> str:
    requests.post(
        f"{live.url}/api/v2/job_templates/1/github/", data=b"{}", headers={"X-Forwarded-For": FORGED}, timeout=60
    )
    found = wait_for(lambda: live.get("webhook_deliveries/", outcome="refused")["results"], live.log)
    return str(found[0]["remote_address"])


@pytest.mark.parametrize(
    ("trusted", "address"),
    [("", "127.0.0.1"), ("192.0.2.1", "127.0.0.1"), ("127.0.0.1", FORGED), ("127.0.0.0/8", FORGED)],
    ids=["nobody", "another proxy", "this proxy", "this network"],
)
def test_only_a_named_proxy_is_believed(make_installation: MakeInstallation, trusted: str, address: str) -> None:
    live = make_installation(PLAYHOOK_WORKERS="0", PLAYHOOK_FORWARDED_ALLOW_IPS=trusted)
    assert refused_from(live) == address
