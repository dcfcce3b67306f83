# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fields that several resources declare."""

from __future__ import annotations

from typing import Final

from playhook.web.api_v2.fields import Field, constant, reference, text

NAME: Final = text("name", required=True, max_length=512, help_text="Name of this {label}.")
DESCRIPTION: Final = text("description", help_text="Optional description of this {label}.")
VENV: Final = constant(
    "custom_virtualenv", None, help_text="Local absolute file path containing a custom Python virtualenv to use"
)
VERBOSITY: Final = (
    (0, "0 (Normal)"), (1, "1 (Verbose)"), (2, "2 (More Verbose)"), (3, "3 (Debug)"), (4, "4 (Connection Debug)"),
    (5, "5 (WinRM Debug)"),
)  # fmt: skip
JOB_STATUS: Final = tuple(
    (each, each.title())
    for each in ("new", "pending", "waiting", "running", "successful", "failed", "error", "canceled")
)
ENVIRONMENT_SUMMARY: Final = ("id", "name", "description", "image")
USER_SUMMARY: Final = ("id", "username", "first_name", "last_name")
CREDENTIAL_SUMMARY: Final = ("id", "name", "description", "kind", "cloud", "kubernetes", "credential_type_id")


def default_environment() -> Field:
    """Declare the execution environment that AWX would use; here it is stored."""
    return reference(
        "default_environment", "execution_environments", summary=ENVIRONMENT_SUMMARY,
        help_text="The default execution environment for jobs.",
    )  # fmt: skip
