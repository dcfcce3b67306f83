# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends a delivery the way a service does: raw body, ten seconds, no redirects."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass

import requests
from urllib3.exceptions import InsecureRequestWarning

_TIMEOUT = 10.0


@dataclass(frozen=True, kw_only=True)
class Received:
    """What the receiver answered. `status` is 502 when nobody listens and 504 after the time limit, as GitHub says."""

    status: int
    body: str
    headers: Mapping[str, str]


def send(url: str, headers: Mapping[str, str], body: bytes, *, verify: bool | str = True) -> Received:
    """POST and return the answer, whatever it is; `verify` may be a file of authorities."""
    with requests.Session() as session, warnings.catch_warnings():
        warnings.simplefilter("ignore", InsecureRequestWarning)
        session.headers.clear()
        # With trust_env, an environment's CA bundle would win over `verify=False`, and a proxy over loopback.
        session.trust_env = False
        try:
            answer = session.post(
                url, data=body, headers=dict(headers), timeout=_TIMEOUT, allow_redirects=False, verify=verify
            )
        except requests.Timeout:
            return Received(status=504, body="timed out", headers={})
        except requests.RequestException as error:
            return Received(status=502, body=f"failed to connect to host: {type(error).__name__}", headers={})
        return Received(status=answer.status_code, body=answer.text, headers=dict(answer.headers))
