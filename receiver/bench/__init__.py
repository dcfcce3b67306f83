# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make bench`: alternatives measured side by side in one run, as medians and ratios."""

from __future__ import annotations
