# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the recorded payloads of no known service say: nothing that is not asked for."""

from __future__ import annotations

from typing import Any

EVERYWHERE = {"kind": "other", "sender": None, "full_name": None}

EXPECTED: dict[str, dict[str, Any]] = {"release": {}, "alert": {}}
