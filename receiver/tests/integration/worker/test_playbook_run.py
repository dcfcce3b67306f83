# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs that run real playbooks."""

from __future__ import annotations

import pytest
from tests.integration.worker.conftest import Bench, play

pytestmark = pytest.mark.usefixtures("pool")


def test_a_playbook_runs_and_its_output_is_stored(bench: Bench) -> None:
    template = bench.template({"site.yml": play('debug: {msg: "hello from {{ inventory_hostname }}"}')})

    job = bench.run(template)

    assert (job.status, job.failed, job.job_explanation) == ("successful", False, "")
    assert job.event_processing_finished
    assert job.started <= job.finished
    assert "hello from here" in bench.stdout(job.id)
    assert job.host_status_counts == {"ok": 1}
    lines = [(event.start_line, event.end_line) for event in bench.events(job.id)]
    assert all(start <= end for start, end in lines)
    assert [end for _, end in lines[:-1]] == [start for start, _ in lines[1:]]
