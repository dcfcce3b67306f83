# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWX's API v2: resources are declared, and everything else follows from the declarations."""

from __future__ import annotations

from playhook.web.api_v2.call import ApiContext
from playhook.web.api_v2.routes import api_routes

__all__ = ["ApiContext", "api_routes"]
