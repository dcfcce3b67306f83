# Copyright: Playhook contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the services' hooks have in common: a hook as it is, and a hook as it shall be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Hook:
    """A hook as its service shows it.

    key_is_set is None where the service does not say. content is the service's own form.
    """

    id: int
    url: str
    name: str | None
    events: tuple[str, ...]
    active: bool
    validate_certs: bool
    content_type: str
    key_is_set: bool | None
    content: dict[str, Any]


@dataclass(frozen=True)
class Wanted:
    """A hook as it shall be; None keeps what is there."""

    url: str | None
    name: str | None
    events: tuple[str, ...] | None
    active: bool | None
    validate_certs: bool
    key: str | None
