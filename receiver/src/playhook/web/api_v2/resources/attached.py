# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists of what is attached to templates, inventories and organizations: where they run, and whom to tell."""

from __future__ import annotations

from playhook.web.api_v2.resource import Association


def instance_groups_below(table: str, owner: str, *, writable: bool = True) -> Association:
    """Declare `instance_groups/` below an object; their order is kept."""
    return Association(
        name="instance_groups",
        resource="instance_groups",
        table=table,
        parent=owner,
        listed="instance_group_id",
        writable=writable,
        in_order=True,
    )


def notifications_below(prefix: str, owner: str, *moments: str) -> tuple[Association, ...]:
    """Declare the lists of whom to tell; `prefix` is that of their tables. Nothing is sent."""
    return tuple(
        Association(
            name=f"notification_templates_{moment}",
            resource="notification_templates",
            table=f"{prefix}_notifications_{moment}",
            parent=owner,
            listed="notification_template_id",
        )
        for moment in moments
    )
