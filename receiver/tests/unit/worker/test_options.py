# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker trusts no stored value: an option is what it says and nothing more."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from playhook.errors import JobCannotRun
from playhook.worker.options import playbook_options


def _job(**columns: Any) -> Any:
    values = {
        "job_type": "run", "diff_mode": False, "become_enabled": False, "force_handlers": False, "forks": 0,
        "limit": "",
        "job_tags": "", "skip_tags": "", "start_at_task": "", "verbosity": 0,
    }  # fmt: skip
    return SimpleNamespace(**{**values, **columns})


@pytest.mark.parametrize("limit", ["@/etc/key", "a,@b", "a:@b", "a @b", "[@b", "a\nb"])
def test_a_limit_that_would_read_a_file_does_not_run(limit: str) -> None:
    with pytest.raises(JobCannotRun, match=r"^the limit of the job cannot be used: "):
        playbook_options(_job(limit=limit))


@pytest.mark.parametrize("name", ["job_tags", "skip_tags", "start_at_task"])
def test_options_are_one_line(name: str) -> None:
    with pytest.raises(JobCannotRun, match=f"^the {name} of the job cannot be used: "):
        playbook_options(_job(**{name: "a\nb"}))


def test_values_cannot_be_options_of_their_own() -> None:
    options = playbook_options(_job(limit="-x", job_tags="--step", skip_tags="-e", start_at_task="-C"))
    assert options == ["--limit=-x", "--tags=--step", "--skip-tags=-e", "--start-at-task=-C"]
