# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Send requests to services: to the pinned origin only, without redirects, with time and size limits (SECURITY S1)."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, urlsplit

import requests
import urllib3

from playhook.domain.status import OutgoingRequest
from playhook.errors import PlayhookError
from playhook.logs import get_logger

_log = get_logger(__name__)
_CONNECT_TIMEOUT: Final = 10.0
_READ_TIMEOUT: Final = 30.0
_ANSWER_TIMEOUT: Final = 60.0  # for all of the answer's text, however slowly it comes
_ANSWER_LIMIT: Final = 1024 * 1024  # bytes
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


class NotSent(PlayhookError):
    """The request did not leave, for good: its address is not the pinned one."""


class NoAnswer(PlayhookError):
    """The service did not answer; the request may be sent again."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the service said; `text` is cut to 1 MiB."""

    status: int
    headers: Mapping[str, str]
    text: str


class OutboundClient:
    """One session, used by one thread at a time."""

    def __init__(self) -> None:
        self._session = requests.Session()
        # Else requests would take credentials from ~/.netrc and put them over ours.
        self._session.auth = _keep_headers

    def send(self, request: OutgoingRequest) -> Answer:
        """Send one request. Raises NotSent or NoAnswer."""
        check_origin(request)
        try:
            with self._session.request(
                request.method,
                request.url,
                json=request.json,
                data=request.content,
                headers=dict(request.headers),
                timeout=(_CONNECT_TIMEOUT, _READ_TIMEOUT),
                allow_redirects=False,
                stream=True,
            ) as response:
                text = _read(response).decode("utf-8", "replace")
                return Answer(status=response.status_code, headers=dict(response.headers), text=text)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            host = urlsplit(request.url).netloc
            raise NoAnswer(f"{host} did not answer ({type(error).__name__})") from error

    def close(self) -> None:
        self._session.close()


def _read(response: requests.Response) -> bytes:
    """Read the answer's text up to the limit. Raises TimeoutError, and urllib3's errors: requests takes no part."""
    deadline, text = time.monotonic() + _ANSWER_TIMEOUT, b""
    while len(text) < _ANSWER_LIMIT and (more := response.raw.read1(_ANSWER_LIMIT - len(text), decode_content=True)):
        text += more
        if time.monotonic() > deadline:
            raise TimeoutError
    return text


def check_origin(request: OutgoingRequest) -> None:
    """Raise NotSent unless scheme, host and port are exactly those of the pinned base."""
    url, base = urlsplit(request.url), urlsplit(request.api_base)
    if _origin(url) != _origin(base) or url.username is not None or base.scheme not in _DEFAULT_PORTS:
        raise NotSent(f"the address {url.scheme}://{url.hostname} is not at the credential's API base")
    if base.scheme == "http" and not _is_loopback(base.hostname or ""):
        _log.warning("the token is sent without TLS: the credential's api_url says http", host=base.hostname)


def _origin(url: SplitResult) -> tuple[str, str | None, int | None]:
    return url.scheme, url.hostname, url.port or _DEFAULT_PORTS.get(url.scheme)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _keep_headers(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request
