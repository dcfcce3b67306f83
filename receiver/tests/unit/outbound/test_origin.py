# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A request leaves for the pinned origin, or not at all (SECURITY S1)."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from playhook.domain.status import OutgoingRequest
from playhook.outbound.client import NotSent, check_origin


def _request(url: str, base: str) -> OutgoingRequest:
    return OutgoingRequest(method="POST", url=url, api_base=base, headers={"Authorization": "Bearer planted"})


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("https://api.github.com/repos/o/r/statuses/a", "https://api.github.com"),
        ("https://api.github.com:443/repos", "https://api.github.com"),
        ("https://git.example.com:8443/api/v3/repos", "https://git.example.com:8443/api/v3"),
        ("http://127.0.0.1:8080/repos", "http://127.0.0.1:8080"),
    ],
)
def test_same_scheme_host_and_port_may_leave(url: str, base: str) -> None:
    check_origin(_request(url, base))


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("https://api.github.com.evil.example/repos", "https://api.github.com"),
        ("http://api.github.com/repos", "https://api.github.com"),
        ("https://api.github.com:8443/repos", "https://api.github.com"),
        ("https://api.github.com@evil.example/repos", "https://api.github.com"),
        ("https://user@api.github.com/repos", "https://api.github.com"),
        ("https://evil.example#@api.github.com/", "https://api.github.com"),
        ("https://evil.example\\@api.github.com/", "https://api.github.com"),
        ("file:///etc/passwd", "file:///etc"),
        ("ftp://host/x", "ftp://host"),
        ("/repos", "https://api.github.com"),
    ],
)
def test_any_other_origin_may_not(url: str, base: str) -> None:
    with pytest.raises(NotSent) as refused:
        check_origin(_request(url, base))
    assert "planted" not in str(refused.value)


@pytest.mark.parametrize(
    ("base", "warns"),
    [("http://git.example.com", True), ("http://127.0.0.1:1", False), ("http://localhost:1", False)],
)
def test_token_without_tls_is_warned_of_unless_on_loopback(base: str, warns: bool) -> None:
    with capture_logs() as logs:
        check_origin(_request(f"{base}/x", base))
    assert any("without TLS" in line["event"] for line in logs) is warns
