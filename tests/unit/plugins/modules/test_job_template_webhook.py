# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.playhook.webhooks.plugins.modules import job_template
from ansible_collections.playhook.webhooks.tests.unit.fakes.run import keep_out_of_check

# printf playhook-webhook-key:KEY | sha256sum | cut -c 1-16
OWN = "pl4nt3d-own-key-0123456789"
OWN_FINGERPRINT = "25c58f5a7752e0d8"
OTHER = "pl4nt3d-own-key-9876543210"
OTHER_FINGERPRINT = "609f34a1cf71bf97"
FIRST_FINGERPRINT = "beadf09581aa02c3"
SECOND_FINGERPRINT = "870c8a46b8c17a57"

HOOKED = {"name": "site", "project": "site", "playbook": "site.yml", "webhook_service": "github"}


@pytest.fixture(autouse=True)
def objects(request):
    """What a job template with a webhook refers to, in whichever server the test uses."""
    name = {"controller", "receiver", "awx"} & set(request.fixturenames)
    server = request.getfixturevalue("controller" if "controller" in name else name.pop())
    organization = server.only("organizations")["id"]
    server.add("projects", name="site", organization=organization)
    kind = server.find_type("GitHub Personal Access Token")
    server.add("credentials", name="statuses", organization=organization, credential_type=kind)


def key_of(server):
    (key,) = server.keys.values()
    return key


def test_a_webhook_has_an_address_and_a_fingerprint(receiver, run):
    result = run(job_template, webhook_credential="statuses", **HOOKED)

    made = receiver.only("job_templates")
    assert made["webhook_credential"] == receiver.only("credentials")["id"]
    assert result["webhook_url"] == f"https://hooks.example.com/api/v2/job_templates/{made['id']}/github/"
    assert result["key_fingerprint"] == FIRST_FINGERPRINT
    assert "webhook_key" not in result
    assert result["diff"]["after"]["webhook_key"] == "set"


def test_an_awx_gives_the_same(awx, run):
    result = run(job_template, webhook_credential="statuses", **HOOKED)

    made = awx.only("job_templates")
    assert result["webhook_url"] == f"https://receiver.example.com/api/v2/job_templates/{made['id']}/github/"
    assert result["key_fingerprint"] == FIRST_FINGERPRINT


def test_a_second_run_changes_nothing(controller, run):
    run(job_template, **HOOKED)
    before = len(controller.writes)

    result = run(job_template, **HOOKED)

    assert result["changed"] is False
    assert result["key_fingerprint"] == FIRST_FINGERPRINT
    assert len(controller.writes) == before


def test_the_key_is_returned_only_when_asked_for(controller, run):
    result = keep_out_of_check(run, run(job_template, return_webhook_key=True, **HOOKED))

    assert result["webhook_key"] == key_of(controller)
    assert "webhook_key" not in run(job_template, **HOOKED)


def test_an_own_key_is_set_once(receiver, run):
    first = run(job_template, webhook_key=OWN, **HOOKED)
    second = run(job_template, webhook_key=OWN, **HOOKED)

    assert key_of(receiver) == OWN
    assert [first["changed"], second["changed"]] == [True, False]
    assert [first["key_fingerprint"], second["key_fingerprint"]] == [OWN_FINGERPRINT, OWN_FINGERPRINT]


def test_another_own_key_replaces_it(receiver, run):
    run(job_template, webhook_key=OWN, **HOOKED)

    result = run(job_template, webhook_key=OTHER, webhook_key_grace=60, **HOOKED)

    assert key_of(receiver) == OTHER
    assert receiver.grace == 60
    assert result["key_fingerprint"] == OTHER_FINGERPRINT
    assert [result["diff"][moment]["webhook_key"] for moment in ("before", "after")] == ["set", "changed"]


def test_an_own_key_survives_a_change_of_the_service(receiver, run):
    run(job_template, webhook_key=OWN, **HOOKED)

    run(job_template, webhook_key=OWN, **dict(HOOKED, webhook_service="gitlab"))

    assert key_of(receiver) == OWN


def test_the_servers_key_stays_when_no_key_is_given(receiver, run):
    run(job_template, webhook_key=OWN, **HOOKED)

    result = run(job_template, description="new", **HOOKED)

    assert key_of(receiver) == OWN
    assert result["key_fingerprint"] == OWN_FINGERPRINT


def test_a_rotation_makes_a_new_key(controller, run):
    run(job_template, **HOOKED)

    result = run(job_template, rotate_webhook_key=True, **HOOKED)

    assert result["changed"] is True
    assert result["key_fingerprint"] == SECOND_FINGERPRINT
    assert [result["diff"][moment]["webhook_key"] for moment in ("before", "after")] == ["set", "changed"]


def test_a_new_webhook_needs_no_rotation(controller, run):
    assert run(job_template, rotate_webhook_key=True, **HOOKED)["key_fingerprint"] == FIRST_FINGERPRINT


@pytest.mark.parametrize(
    ("existing", "change"),
    [
        (False, {}),
        (False, {"webhook_key": OWN}),
        (True, {"rotate_webhook_key": True}),
        (True, {"webhook_key": OWN}),
        (True, {"webhook_service": "gitlab"}),
        (True, {"webhook_service": ""}),
    ],
)
def test_check_mode_writes_nothing_and_predicts_the_same_diff(receiver, run, existing, change):
    if existing:
        run(job_template, **HOOKED)
    before = len(receiver.writes)

    predicted = run(job_template, check_mode=True, **dict(HOOKED, **change))

    assert len(receiver.writes) == before
    actual = run(job_template, **dict(HOOKED, **change))
    assert predicted["changed"] is actual["changed"] is True
    assert predicted["diff"] == actual["diff"]


def test_check_mode_says_what_is_known_of_a_new_webhook(receiver, run):
    result = run(job_template, check_mode=True, return_webhook_key=True, **HOOKED)

    assert result["webhook_url"] == "https://receiver.example.com/api/v2/job_templates/ID/github/"
    assert result["webhook_key"] == "(known after apply)"
    assert result["key_fingerprint"] is None


def test_check_mode_knows_the_fingerprint_of_an_own_key(receiver, run):
    assert run(job_template, check_mode=True, webhook_key=OWN, **HOOKED)["key_fingerprint"] == OWN_FINGERPRINT


def test_an_empty_service_removes_the_webhook_and_its_credential(receiver, run):
    run(job_template, webhook_credential="statuses", **HOOKED)

    result = run(job_template, **dict(HOOKED, webhook_service=""))

    made = receiver.only("job_templates")
    assert [made["webhook_service"], made["webhook_credential"]] == ["", None]
    assert [result["webhook_url"], result["key_fingerprint"]] == [None, None]
    assert [result["diff"][moment]["webhook_key"] for moment in ("before", "after")] == ["set", "unset"]


@pytest.mark.parametrize(
    ("existing", "option"),
    [
        (False, {"webhook_key": OWN}),
        (True, {"webhook_key": OWN}),
        (True, {"rotate_webhook_key": True, "webhook_key_grace": 60}),
    ],
)
def test_an_awx_takes_no_key_and_no_grace(awx, run, existing, option):
    if existing:
        run(job_template, **HOOKED)
    before = len(awx.writes)

    message = run.fail(job_template, **dict(HOOKED, **option))

    refused = "webhook_key" if "webhook_key" in option else "webhook_key_grace"
    assert message == f"https://receiver.example.com is an AWX, which has no {refused}. Omit that."
    assert len(awx.writes) == before


def test_how_statuses_are_posted_is_set_once(receiver, run):
    ours = {"status_context": "ci/site", "allow_sha1": True}
    first = run(job_template, **dict(HOOKED, **ours))
    second = run(job_template, **dict(HOOKED, **ours))
    third = run(job_template, **dict(HOOKED, status_context=""))

    assert [first["changed"], second["changed"], third["changed"]] == [True, False, True]
    assert receiver.only("job_templates")["playhook"] == {"status_context": "", "allow_sha1": True}


def test_an_awx_posts_statuses_in_its_own_way(awx, run):
    assert run.fail(job_template, status_context="ci/site", **HOOKED) == (
        "https://receiver.example.com is an AWX, which has no status_context. Omit that."
    )
    assert awx.writes == []


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("too-short", "webhook_key has 9 characters; the receiver takes 20 to 64."),
        ("x" * 65, "webhook_key has 65 characters; the receiver takes 20 to 64."),
        ("*" * 20, "webhook_key is a mask that stands for a secret"),
        ("VALUE_SPECIFIED_IN_NO_LOG_PARAMETER", "webhook_key is a mask that stands for a secret"),
    ],
)
def test_a_key_that_cannot_be_one_is_refused(receiver, run, key, words):
    assert run.fail(job_template, webhook_key=key, **HOOKED).startswith(words)
    assert receiver.writes == []


def test_a_key_needs_a_service(receiver, run):
    message = run.fail(job_template, webhook_key=OWN, **dict(HOOKED, webhook_service=None))

    assert message == "webhook_key needs webhook_service: job template 'site' has no webhook."
    assert receiver.writes == []


def test_a_key_and_no_service_exclude_each_other(receiver, run):
    assert run.fail(job_template, webhook_key=OWN, **dict(HOOKED, webhook_service="")).startswith(
        "webhook_service is empty, which removes the key"
    )


def test_an_own_key_need_not_be_returned(receiver, run):
    assert run.fail(job_template, webhook_key=OWN, return_webhook_key=True, **HOOKED) == (
        "parameters are mutually exclusive: webhook_key|return_webhook_key"
    )
