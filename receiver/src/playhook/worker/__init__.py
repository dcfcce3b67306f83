# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs jobs: project, private data directory, launch, job events.

loop        takes claimed jobs, decides how each ends
playbook_run, project_update      the two kinds of job
launcher    the receiver's end of a child process that was started before any thread
forkserver  that child: forks one more for each job
child       one job in its own process
runner      the only file that imports ansible_runner
"""

from __future__ import annotations
