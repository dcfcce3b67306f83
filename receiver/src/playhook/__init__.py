# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWX webhooks without AWX."""

from __future__ import annotations

__version__ = "0.2.0"
