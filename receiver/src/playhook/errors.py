# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong, as one tree.

PlayhookError
├── SettingsError           the configuration is wrong; shown at start, exit 2
├── DeliveryRefused         a delivery is not taken; `status` is the HTTP answer
│   ├── NotAuthentic        403, always with the same words: no oracle
│   ├── UnsignedPing        200, at every address alike: it proves nothing, and starts nothing
│   ├── Malformed           400
│   ├── TooLarge            413
│   └── UnsupportedType     415
├── StoreUnavailable        503 with Retry-After: the database is down, full or busy
├── InvalidInput            400: field → messages, as AWX answers
│   └── Refusal             400: one sentence, where AWX's answer holds no list
├── BadQuery                400: what a list was asked for cannot be answered
├── Forbidden               403
├── NotFound                404
├── Conflict                409
└── JobCannotRun            the job ends `error` and its explanation says what to fix
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar


class PlayhookError(Exception):
    """Base of every error that is told to a person. The message is a sentence without secrets."""


class SettingsError(PlayhookError):
    """A setting is missing or wrong."""


class DeliveryRefused(PlayhookError):
    """A delivery is not taken. `str(error)` is the true reason; what the sender is told is decided in `web`."""

    status: ClassVar[int] = 400


class NotAuthentic(DeliveryRefused):
    """The signature or token is wrong, missing or malformed, or there is nothing to check it with."""

    status = 403


class UnsignedPing(DeliveryRefused):
    """A ping of a service that does not sign its pings. It is answered as ignored, whatever is at the address."""

    status = 200


class Malformed(DeliveryRefused):
    """An authentic delivery that cannot be understood."""


class TooLarge(DeliveryRefused):
    """The body is over the limit."""

    status = 413


class UnsupportedType(DeliveryRefused):
    """The content type is not one that the service sends."""

    status = 415


class StoreUnavailable(PlayhookError):
    """The database cannot take the write now. Nothing was stored; the same request may be sent again."""


class InvalidInput(PlayhookError):
    """What a client wrote is wrong; `messages` maps a field (or `__all__`) to sentences."""

    def __init__(self, messages: Mapping[str, Sequence[str]]) -> None:
        super().__init__("; ".join(f"{field}: {' '.join(texts)}" for field, texts in messages.items()))
        self.messages = {field: list(texts) for field, texts in messages.items()}


class Refusal(InvalidInput):
    """What was asked for cannot be; `body` is AWX's answer, one sentence under one name."""

    def __init__(self, sentence: str, name: str = "error") -> None:
        super().__init__({name: [sentence]})
        self.body = {name: sentence}


class BadQuery(PlayhookError):
    """A filter, an order or a page that the list does not have; the message is AWX's `detail`."""


class Forbidden(PlayhookError):
    """Known, and not allowed to do this. The message is what the client is told."""

    def __init__(self, message: str = "You do not have permission to perform this action.") -> None:
        super().__init__(message)


class NotFound(PlayhookError):
    """There is no such object, or it may not be seen."""


class Conflict(PlayhookError):
    """The object is in use or was changed meanwhile."""


class JobCannotRun(PlayhookError):
    """The job ends with status `error`; the message becomes its explanation."""
