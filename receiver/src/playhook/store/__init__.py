# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The database: tables, migrations, one writer, functions per table. The only place that imports SQLAlchemy."""

from __future__ import annotations
