# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How what was deferred reaches the function that does it; the jobs table stays the truth."""

from __future__ import annotations
