# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a playbook said, and how its process was started."""

from __future__ import annotations

import re
from typing import Any

from tests.integration.worker.conftest import Bench, play

# What started the process that runs the playbook's tasks: ansible-playbook, or a fork server.
STARTED_BY = "debug: {msg: \"by {{ lookup('pipe', 'cat /proc/$PPID/cmdline') | replace('\\0', ' ') }}\"}"


def ran_warm(bench: Bench, job: Any) -> bool:
    started_by = re.findall(r"by (.*)", bench.stdout(job.id))
    assert started_by, bench.stdout(job.id)
    return "forkserver" in started_by[0]


def messages(bench: Bench, job: Any) -> list[str]:
    assert job.status == "successful", bench.stdout(job.id)
    return re.findall(r'"msg": "?(.*?)"?(?:\x1b|\r|,|}|$)', bench.stdout(job.id), re.MULTILINE)


def show(*expressions: str) -> str:
    return play(*(f'debug: {{msg: "{{{{ {each} }}}}"}}' for each in expressions))
