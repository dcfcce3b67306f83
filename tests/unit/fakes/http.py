# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one place where the modules leave the process: open_url, answered in memory."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from email.message import Message
from typing import Any
from urllib.error import HTTPError
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Request:
    """A request as the fake servers see it."""

    method: str
    path: str
    query: dict
    headers: dict
    body: Any


class Refusal(Exception):
    """What a fake server raises to answer with an error."""

    def __init__(self, status, body, headers=()):
        super().__init__(status)
        self.status = status
        self.body = body
        self.headers = dict(headers)


class Response(io.BytesIO):
    """A 2xx answer as urllib gives it."""

    def __init__(self, status, content):
        super().__init__(content)
        self.status = status


class FakeServer:
    """A strict server: a request it does not know is an AssertionError, which no module catches."""

    host = ""

    def __init__(self):
        self.requests = []

    def answer(self, request):
        """Return the status and the body of the answer, or raise Refusal."""
        raise NotImplementedError

    @property
    def writes(self):
        """Return the requests that changed, or could have changed, something."""
        return [each for each in self.requests if each.method != "GET" and not each.path.endswith("/compare/")]

    def open_url(
        self,
        url,
        method,
        data,
        headers,
        timeout,
        validate_certs,
        ca_path,
        follow_redirects,
        use_netrc,
        http_agent,
    ):
        """Stand in for ansible.module_utils.urls.open_url, with exactly the arguments that the modules pass."""
        parts = urlsplit(url)
        assert f"{parts.scheme}://{parts.netloc}" == self.host, f"a request left for {url}"
        assert follow_redirects == "none"
        assert use_netrc is False
        assert validate_certs is True
        assert ca_path is None
        assert timeout == 10.0
        assert http_agent == "playhook.webhooks"
        body = None if data is None else json.loads(data)
        request = Request(
            method, parts.path, dict(parse_qsl(parts.query, strict_parsing=True) if parts.query else ()), headers, body
        )
        self.requests.append(request)
        try:
            status, content = self.answer(request)
        except Refusal as refusal:
            raise _http_error(url, refusal) from None
        return Response(status, b"" if content is None else json.dumps(content).encode())


def _http_error(url, refusal):
    headers = Message()
    for name, value in refusal.headers.items():
        headers[name] = value
    content = refusal.body if isinstance(refusal.body, bytes) else json.dumps(refusal.body).encode()
    return HTTPError(url, refusal.status, "", headers, io.BytesIO(content))
