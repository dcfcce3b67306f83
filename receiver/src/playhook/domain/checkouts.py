# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where projects' files are: `worker` writes and runs them, and notes which of them are playbooks."""

from __future__ import annotations

from pathlib import Path

from playhook.settings import Settings


def checkout_dir(settings: Settings, project_id: int) -> Path:
    """Return where the checkout of a project with a repository is; its files are those of the last update."""
    return settings.home / "checkouts" / str(project_id)
