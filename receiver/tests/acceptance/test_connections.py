# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a connection may be kept."""

from __future__ import annotations

import http.client
import time

from tests.acceptance.conftest import Installation

LONGER_THAN_A_POLL = 7  # seconds; `awx ... --monitor` asks every 5


def test_a_client_that_asks_now_and_then_keeps_its_connection(installation: Installation) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", installation.port, timeout=60)
    connection.connect()
    connection.auto_open = 0  # no other connection in its place
    for pause in (LONGER_THAN_A_POLL, 0):
        connection.request("GET", "/api/v2/ping/")
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200
        time.sleep(pause)
    connection.close()
