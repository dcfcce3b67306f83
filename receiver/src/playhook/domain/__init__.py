# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words of the project as plain types; docs/glossary.md explains them."""

from __future__ import annotations
