# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Drains the outbox of status posts to the services."""

from __future__ import annotations
