# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.playhook.webhooks.plugins.modules import job_wait

RUNNING = {"status": "running"}
# AWX sets the status before it has stored all events.
ENDED_UNSTORED = {"status": "successful", "finished": "2026-01-01T00:00:00Z"}
ENDED = dict(ENDED_UNSTORED, event_processing_finished=True, elapsed=4.2)
FAILED = {
    "status": "failed",
    "failed": True,
    "finished": "2026-01-01T00:00:00Z",
    "event_processing_finished": True,
    "job_explanation": "",
}


def add_job(controller, *progress):
    job = controller.add("jobs", name="site")
    controller.progress[job["id"]] = list(progress)
    return job["id"]


def test_a_job_is_waited_for_until_its_events_are_stored(controller, run):
    job = add_job(controller, RUNNING, ENDED_UNSTORED, ENDED)

    result = run(job_wait, job_id=job, interval=0)

    assert result["changed"] is False
    assert [result["id"], result["status"], result["elapsed"]] == [job, "successful", 4.2]
    assert controller.progress[job] == []


def test_check_mode_waits_as_well(controller, run):
    job = add_job(controller, RUNNING, ENDED)

    assert run(job_wait, check_mode=True, job_id=job, interval=0)["status"] == "successful"
    assert controller.writes == []


def test_a_job_that_failed_is_an_error(controller, run):
    job = add_job(controller, FAILED)

    assert run.fail(job_wait, job_id=job) == f"Job {job} ended as failed: its output says why."


def test_a_canceled_job_is_an_error(controller, run):
    job = add_job(controller, dict(FAILED, status="canceled", failed=True, job_explanation="Canceled by admin."))

    assert run.fail(job_wait, job_id=job) == f"Job {job} ended as canceled: Canceled by admin."


def test_a_job_that_takes_too_long_is_an_error(controller, run):
    job = add_job(controller, RUNNING)

    assert run.fail(job_wait, job_id=job, interval=0.6, timeout=1) == (
        f"Job {job} is still running after 1 seconds. Wait longer, or see why it takes so long."
    )


def test_a_job_that_does_not_exist_is_an_error(controller, run):
    assert run.fail(job_wait, job_id=4711) == (
        "Job 4711 does not exist on https://receiver.example.com, or this user may not see it."
    )


def test_the_id_is_required(controller, run):
    assert run.fail(job_wait) == "missing required arguments: job_id"
