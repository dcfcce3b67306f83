# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is kept of a delivery's body is always a JSON document."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from tests.unit.intake.builders import PUSH

from playhook.domain.delivery import Delivery
from playhook.intake.record import describe_delivery
from playhook.store.compression import decompress

DOCUMENT = b'{ "ref": "refs/heads/main" }'
FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("content_type", "body", "kept"),
    [
        ("application/json", DOCUMENT, DOCUMENT),
        ("Application/JSON; charset=utf-8", DOCUMENT, DOCUMENT),
        (FORM, b"payload=" + quote(DOCUMENT).encode(), b'{"ref":"refs/heads/main"}'),
        (FORM, b"{&payload=" + quote(DOCUMENT).encode(), b'{"ref":"refs/heads/main"}'),
        (FORM, b"{}=&payload=" + quote(DOCUMENT).encode(), b'{"ref":"refs/heads/main"}'),
    ],
)
def test_form_is_kept_as_the_json_it_carried(content_type: str, body: bytes, kept: bytes) -> None:
    headers = {"content-type": content_type}
    delivery = Delivery(headers=headers, body=body, received=datetime(2026, 1, 2, tzinfo=UTC))
    event = replace(PUSH, payload={"ref": "refs/heads/main"})
    assert decompress(describe_delivery(delivery, event, "192.0.2.7", None)["body"]) == kept
