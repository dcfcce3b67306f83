# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible's own callback plugins are looked for here; nothing of the receiver imports them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

DIRECTORY: Final = str(Path(__file__).parent)
