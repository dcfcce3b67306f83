# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Alembic's environment and the migrations, oldest first in `versions/`."""

from __future__ import annotations
