# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP in, HTTP out: the only place that imports Starlette."""

from __future__ import annotations
