# Copyright: Playhook contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Speak JSON over HTTP with ansible.module_utils.urls, the only HTTP library that a managed node surely has."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http.client import HTTPException
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

from ansible.module_utils.common.text.converters import to_text
from ansible.module_utils.urls import ConnectionError as UrlsConnectionError
from ansible.module_utils.urls import open_url
from ansible_collections.playhook.webhooks.plugins.module_utils._errors import (
    CredentialsRefused,
    InvalidOption,
    NotFound,
    PermissionRefused,
    RequestRefused,
    ServerUnreachable,
    UnexpectedAnswer,
)

_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_REFUSALS = {401: CredentialsRefused, 403: PermissionRefused, 404: NotFound}


@dataclass(frozen=True)
class Connection:
    """How a server is reached, as the options say it.

    remedy names the options to look at when the server refuses the credentials.
    """

    validate_certs: bool
    timeout: float
    ca_path: str
    remedy: str


class JsonClient:
    """Send requests to one server and return the JSON of its 2xx answers; all else is raised as one of our errors."""

    def __init__(self, base_url, headers, connection):
        self.base_url = base_url.rstrip("/")
        self._headers = dict(headers, **{"Content-Type": "application/json"})
        self._connection = connection

    def request(self, method, url, body=None):
        """Return the JSON that answers a request for a URL below the base URL; None where the answer is empty.

        Redirects are not followed: a redirect would carry the credentials to an address nobody chose.
        """
        content = None if body is None else json.dumps(body)
        try:
            response = open_url(
                url,
                method=method,
                data=content,
                headers=self._headers,
                timeout=self._connection.timeout,
                validate_certs=self._connection.validate_certs,
                ca_path=self._connection.ca_path,
                follow_redirects="none",
                use_netrc=False,
                http_agent="playhook.webhooks",
            )
            answer = _parsed(response.read())
        except HTTPError as error:
            raise self._refusal(method, url, error) from None
        except (URLError, UrlsConnectionError, HTTPException, OSError, ValueError) as error:
            reason = getattr(error, "reason", None) or error
            raise ServerUnreachable(
                "{} gave no answer: {}.".format(self.base_url, to_text(reason).rstrip("."))
            ) from None
        if isinstance(answer, str):
            raise UnexpectedAnswer(
                f"{self.base_url} answered {method} {urlsplit(url).path} with a page, not JSON. Is this the API?"
            )
        return answer

    def _refusal(self, method, url, error):
        status, words = error.code, describe(_parsed(error.read()))
        what = f"{method} {urlsplit(url).path}"
        if 300 <= status < 400:
            target = error.headers.get("Location") or error.url
            return UnexpectedAnswer(
                f"{self.base_url} redirects {what} to {target}, where credentials are not sent. "
                "If that address is right, give it instead."
            )
        if status == 401:
            return CredentialsRefused(
                f"{self.base_url} refused the credentials ({words}). Check {self._connection.remedy}."
            )
        if 400 <= status < 500:
            kind = _REFUSALS.get(status, RequestRefused)
            return kind(f"{self.base_url} answered {status} to {what}: {_sentence(words)}")
        return UnexpectedAnswer(f"{self.base_url} answered {status} to {what}. Its log says why.")


def base_url_of(option, value):
    """Return a server's address from an option, without a slash at its end; https where no scheme is given."""
    url = value if "://" in value else "https://" + value
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InvalidOption(f"{option} must be an http or https address, not {value!r}.")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise InvalidOption(f"{option} must be an address alone, without user, query or fragment.")
    return url.rstrip("/")


def clear_text_warnings(option, url):
    """Return a warning in a list if credentials would cross a network unencrypted."""
    parts = urlsplit(url)
    if parts.scheme == "https" or parts.hostname in _LOOPBACK:
        return []
    return [f"{option} is {url}: credentials and keys are sent unencrypted. Use https."]


def describe(body):
    """Return a refusal's own words on one line.

    AWX answers {"field": ["message"]} or {"detail": ...}, GitHub {"message": ..., "errors": [...]}, GitLab
    {"message": {"field": [...]}} or {"error": ...}; what is not JSON is a page for browsers, of no use here.
    """
    if isinstance(body, dict):
        plain = ("detail", "message", "error", "errors", "__all__")
        skipped = ("documentation_url", "status", "resource")
        parts = [
            describe(value) if key in plain else f"{key}: {describe(value)}"
            for key, value in body.items()
            if key not in skipped and value
        ]
        return "; ".join(parts) or "no reason given"
    if isinstance(body, list):
        return "; ".join(describe(item) for item in body) or "no reason given"
    text = to_text(body if body is not None else "").strip()
    return text if text and not text.startswith("<") else "no reason given"


def _parsed(content):
    text = to_text(content or b"", errors="surrogate_or_replace")
    if not text.strip():
        return None
    try:
        return json.loads(text)
    except ValueError:
        return text


def _sentence(words):
    return words if words.endswith((".", "!", "?")) else words + "."
