# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep known secrets out of what is stored of a job: its events, its arguments, its environment."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Final

import orjson

MASKED: Final = "********"
_SHORTEST: Final = 4  # masking less would tear ordinary words apart, and protect nothing
_SECRET_NAME: Final = re.compile(r"TOKEN|SECRET|PASS|PRIVATE|CREDENTIAL|_KEY$", re.IGNORECASE)
_URL_PASSWORD: Final = re.compile(r"(\w+://[^/\s:@]*):[^/\s@]+@")


class Mask:
    """Replaces secrets in texts and in documents; `names` are variables of an environment that are secret whole."""

    def __init__(self, secrets: Collection[str], names: Collection[str] = ()) -> None:
        self._names = frozenset(names)
        texts = sorted({form for secret in secrets for form in _forms(secret)}, key=len, reverse=True)
        self._texts = re.compile("|".join(map(re.escape, texts))) if texts else None
        self._raw = tuple(orjson.dumps(text)[1:-1] for text in texts)

    def text(self, text: str) -> str:
        return text if self._texts is None else self._texts.sub(MASKED, text)

    def load(self, document: bytes) -> Any:
        """Decode a JSON document with its secrets masked, and without NUL, which PostgreSQL cannot store."""
        loaded = orjson.loads(document)
        # Looking through the encoded text costs next to nothing; walking through the document does not.
        if b"\\u0000" in document or any(raw in document for raw in self._raw):
            return self._walk(loaded)
        return loaded

    def _walk(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value).replace("\0", "")
        if isinstance(value, dict):
            return {self._walk(key): self._walk(each) for key, each in value.items()}
        return [self._walk(each) for each in value] if isinstance(value, list) else value

    def arguments(self, arguments: Iterable[str]) -> list[str]:
        return [_URL_PASSWORD.sub(rf"\1:{MASKED}@", self.text(each)) for each in arguments]

    def environment(self, environment: Mapping[str, str]) -> dict[str, str]:
        """Mask what is known to be secret, and what has the name of a secret."""
        return {
            name: MASKED
            if name in self._names or _SECRET_NAME.search(name)
            else _URL_PASSWORD.sub(rf"\1:{MASKED}@", self.text(value))
            for name, value in sorted(environment.items())
        }


def _forms(secret: str) -> Iterator[str]:
    """Return a secret as it may be printed: whole, line by line (keys), and inside the JSON that Ansible prints."""
    lines = [line for line in secret.splitlines() if not line.startswith("-----")]
    for text in {secret.strip(), *(line.strip() for line in lines)}:
        if len(text) >= _SHORTEST:
            yield text
            yield orjson.dumps(text)[1:-1].decode()
