# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One file a schema change; never edited after a release."""

from __future__ import annotations
