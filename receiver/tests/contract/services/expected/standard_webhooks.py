# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the recorded payloads of Standard Webhooks say: their data is the sender's own."""

from __future__ import annotations

from typing import Any

EVERYWHERE = {"kind": "other", "sender": None, "full_name": None}

EXPECTED: dict[str, dict[str, Any]] = {"harvest_finished": {}}
