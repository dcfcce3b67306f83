# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The services that deliver webhooks: one file each, found through the entry point group `playhook.services`."""

from __future__ import annotations
