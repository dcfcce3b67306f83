# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signatures over deliveries: an HMAC of the body in a header, and the scheme of https://www.standardwebhooks.com."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from binascii import unhexlify
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from playhook.domain.delivery import Delivery
from playhook.errors import NotAuthentic
from playhook.services.authenticity import equals_one_of, header_bytes

UNSIGNED: Final = "The delivery is not signed."
SHA1_ONLY: Final = "The delivery is signed with SHA-1 only, and the template does not allow SHA-1."

_TOLERANCE: Final = 5 * 60  # seconds; what the specification's own libraries allow
_TIMESTAMP: Final = re.compile(r"[0-9]{1,12}")
_NO_KEY: Final = "There is no webhook key to check the delivery with."
_IN_WORDS: Final = {"hex": "hexadecimal digits", "base64": "base64"}


@dataclass(frozen=True, kw_only=True)
class Scheme:
    """How an HMAC of the body is written into a header: the prefix, then the encoded digest."""

    algorithm: str = "sha256"
    encoding: Literal["hex", "base64"] = "hex"
    prefix: str = ""

    def write(self, key: str, body: bytes) -> str:
        """Return what the header says of this body."""
        digest = hmac.digest(key.encode(), body, self.algorithm)
        return self.prefix + (digest.hex() if self.encoding == "hex" else base64.b64encode(digest).decode())

    def read(self, value: str) -> bytes | None:
        """Return the digest in a header, None when it is not written like this."""
        text = value.removeprefix(self.prefix)
        try:
            digest = unhexlify(text) if self.encoding == "hex" else base64.b64decode(text, validate=True)
        except ValueError:
            return None
        fits = value.startswith(self.prefix) and len(digest) == hashlib.new(self.algorithm).digest_size
        return digest if fits else None

    def check(self, given: str | None, body: bytes, keys: Sequence[str], *, unsigned: str = UNSIGNED) -> None:
        """Compare with the signatures by all keys in constant time, also when there is no key. Raises NotAuthentic.

        `unsigned` is what the refusal says where `given` is None.
        """
        usable = [key for key in keys if key]
        wanted = [hmac.digest(key.encode(), body, self.algorithm) for key in usable or ["no key"]]
        digest = self.read(given or "")
        if not equals_one_of(digest or b"", wanted) or not usable:
            raise NotAuthentic(self._refusal(given, digest, unsigned) if usable else _NO_KEY)

    def _refusal(self, given: str | None, digest: bytes | None, unsigned: str) -> str:
        if given is None:
            return unsigned
        if digest is None:
            prefix = f"{self.prefix}, then " if self.prefix else ""
            return f"The signature is malformed: wanted is {prefix}{_IN_WORDS[self.encoding]}."
        return "The signature belongs to another webhook key or to another body."


def check_standard(delivery: Delivery, keys: Sequence[bytes], now: datetime, *, what: str) -> None:
    """Check `v1,<base64 of HMAC-SHA256>` over `id.timestamp.body`, where one right signature of several is enough.

    `what` is the service's word for a key. Raises NotAuthentic, also when the time is more than five minutes away.
    """
    guid, timestamp = (delivery.headers.get(name, "") for name in ("webhook-id", "webhook-timestamp"))
    wanted = [_sign(key, guid, timestamp, delivery.body) for key in keys or [b"no key"]]
    given = delivery.headers.get("webhook-signature", "").split()
    found = False
    for each in given:
        found |= equals_one_of(header_bytes(each), wanted)
    if not found or not keys:
        raise NotAuthentic(f"The signature belongs to another {what} or to another body.")
    if not guid:
        raise NotAuthentic("The delivery is signed, but has no webhook-id.")
    if not _TIMESTAMP.fullmatch(timestamp) or abs(now.timestamp() - int(timestamp)) > _TOLERANCE:
        raise NotAuthentic(f"The webhook-timestamp is not within {_TOLERANCE} seconds of now; check the clocks.")


def sign_standard(key: bytes, guid: str, now: datetime, body: bytes) -> Mapping[str, str]:
    """Return the three headers of the scheme."""
    timestamp = str(int(now.timestamp()))
    signature = _sign(key, guid, timestamp, body).decode("ascii")
    return {"webhook-id": guid, "webhook-timestamp": timestamp, "webhook-signature": signature}


def _sign(key: bytes, guid: str, timestamp: str, body: bytes) -> bytes:
    digest = hmac.new(key, header_bytes(f"{guid}.{timestamp}."), "sha256")
    digest.update(body)
    return b"v1," + base64.b64encode(digest.digest())
