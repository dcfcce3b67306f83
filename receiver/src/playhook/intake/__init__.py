# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a raw delivery to a stored one, and the job it launches."""

from __future__ import annotations
