# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one client that calls out. The only place that imports requests."""

from __future__ import annotations
