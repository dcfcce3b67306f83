# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the receiver; `tests.fakes` and `tests.fixtures` are importable from its folder."""

from __future__ import annotations
