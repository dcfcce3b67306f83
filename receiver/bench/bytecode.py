# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What pip does when it installs, and uv does not: without it, each start would also be a compilation."""

from __future__ import annotations

import compileall
import os
import sysconfig
from pathlib import Path

import playhook


def compile_installed() -> None:
    """Compile the installed packages and the receiver, where that has not been done."""
    for directory in (Path(sysconfig.get_path("purelib")), Path(playhook.__file__).parent):
        compileall.compile_dir(str(directory), quiet=2, workers=os.cpu_count() or 1)
