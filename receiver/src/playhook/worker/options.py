# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of ansible-playbook that a job's own fields ask for."""

from __future__ import annotations

from playhook.domain.run_options import complain_of_limit, complain_of_line
from playhook.errors import JobCannotRun
from playhook.store.job_inputs import JobRow

_MOST_VERBOSE = 5


def playbook_options(job: JobRow) -> list[str]:
    """Return the options; values are joined to their option, so that none of them can be one. Raises JobCannotRun."""
    _check(job)
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


def _check(job: JobRow) -> None:
    """Refuse what the API refuses, also where it came another way: Ansible would read a file for a limit `@file`."""
    complaints = {"limit": complain_of_limit(job.limit or "")}
    for name in ("job_tags", "skip_tags", "start_at_task"):
        complaints[name] = complain_of_line(getattr(job, name) or "")
    for name, complaint in complaints.items():
        if complaint is not None:
            raise JobCannotRun(f"the {name} of the job cannot be used: {complaint}")
