# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every service needs to send a status: addresses and texts that nothing in a payload can bend."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import SplitResult, urlsplit

from playhook.domain.event import StatusTarget
from playhook.domain.status import StatusCredential
from playhook.errors import Malformed
from playhook.services.payload import is_full_sha

_HOST: Final = re.compile(r"[a-z0-9._-]+|\[[0-9a-f:.]+\]")
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


def find_origin(url: str | None) -> str | None:
    """Return scheme://host[:port] of a URL, normalised so that equal origins are equal texts; None when it has none."""
    parts = _split(url or "")
    if parts is None:
        return None
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    if parts.scheme not in _DEFAULT_PORTS or not _HOST.fullmatch(host):
        return None
    port = "" if parts.port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"


def get_api_base(target: StatusTarget, credential: StatusCredential, public: str | None) -> str:
    """Return the pinned API address without a slash at its end: the credential's, else the public service's.

    `public` is None where there is no one service that a token without an address would be for. Raises Malformed when
    the credential has no address and the event comes from another host than the public service, for then the token
    would go to a service that it is not for, and when the credential's address cannot be used.
    """
    if credential.api_url is None:
        if public is None or target.origin != find_origin(public):
            meant = f", so its token is for {public}" if public else ""
            raise Malformed(
                f"The event comes from {target.origin or 'an unknown host'} and the credential has no api_url{meant}."
                " To post statuses, set the credential's api_url to the API that its token is for."
            )
        return public
    origin, parts = find_origin(credential.api_url), _split(credential.api_url)
    if origin is None or parts is None or "@" in parts.netloc or parts.query or parts.fragment:
        raise Malformed(
            "The credential's api_url is not an http or https address without user, query and fragment. Correct it."
        )
    return origin + parts.path.rstrip("/")


def get_sha(target: StatusTarget) -> str:
    """Return the SHA of a target. Raises Malformed when it is not a full one."""
    if not is_full_sha(target.sha):
        raise Malformed("The event's commit is not a full SHA, so no status can be posted to it.")
    return target.sha


def clean_text(value: str, limit: int, *, basic_plane: bool = False) -> str:
    """Return one line of printable characters, cut to `limit`; `basic_plane` also drops those above U+FFFF."""
    printable = "".join(
        each if each.isprintable() and not (basic_plane and ord(each) > 0xFFFF) else " " for each in value
    )
    line = " ".join(printable.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url.strip())
        _port = parts.port
    except ValueError:  # a port or an IPv6 address that is none
        return None
    return parts
