# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of ansible-playbook that a job's own fields ask for."""

from __future__ import annotations

from playhook.store.job_inputs import JobRow

_MOST_VERBOSE = 5


def playbook_options(job: JobRow) -> list[str]:
    """Return the options; values are joined to their option, so that none of them can be one."""
    return [
        *(["--check"] if job.job_type == "check" else []),
        *(["--diff"] if job.diff_mode else []),
        *(["--become"] if job.become_enabled else []),
        *(["--force-handlers"] if job.force_handlers else []),
        *([f"--forks={job.forks}"] if job.forks > 0 else []),
        *([f"--limit={job.limit}"] if job.limit else []),
        *([f"--tags={job.job_tags}"] if job.job_tags else []),
        *([f"--skip-tags={job.skip_tags}"] if job.skip_tags else []),
        *([f"--start-at-task={job.start_at_task}"] if job.start_at_task else []),
        *(["-" + "v" * min(job.verbosity, _MOST_VERBOSE)] if job.verbosity > 0 else []),
    ]
