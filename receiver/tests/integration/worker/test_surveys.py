# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers to a survey, as a playbook gets them."""

from __future__ import annotations

import json

import pytest
from tests.integration.worker.arguments import watched_arguments
from tests.integration.worker.conftest import Bench, both_starts, play

from playhook.store import tables as t

pytestmark = pytest.mark.usefixtures("pool")

PASSWORD = "planted-survey-password"
TEMPLATE = "{{ lookup('pipe', 'id') }}"


@both_starts
def test_a_password_reaches_the_playbook_and_nothing_else(bench: Bench) -> None:
    """And no answer is a template, the default of a question neither."""
    questions = [
        {"type": "password", "variable": "secret", "required": True, "default": bench.store.cipher.encrypt(PASSWORD)},
        {"type": "text", "variable": "title", "required": False, "default": TEMPLATE},
    ]
    site = play(
        f"{{assert: {{that: [\"secret | hash('sha1') == '{PASSWORD}' | hash('sha1')\"]}}}}",
        "{debug: {msg: 'the password is {{ secret }} and the title {{ title }}'}}",
    )
    template = bench.template({"site.yml": site}, survey_enabled=True, survey_spec={"spec": questions})

    with watched_arguments() as arguments:
        job = bench.run(template)

    assert job.status == "successful", bench.stdout(job.id)
    said = bench.stdout(job.id)
    assert f"the password is ******** and the title {TEMPLATE}" in said
    assert json.loads(job.extra_vars) == {"secret": "$encrypted$", "title": TEMPLATE}
    kept = b"".join(path.read_bytes() for path in bench.settings.home.rglob("*sqlite3*") if path.is_file())
    with bench.store.reading() as connection:
        events = repr(connection.execute(t.job_events.select()).all())
    assert PASSWORD.encode() not in kept + b" ".join(arguments)
    assert PASSWORD not in events + repr(job)
