# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.playhook.webhooks.plugins.modules import credential

TOKEN = "pl4nt3d-ghp-1"
OTHER = "pl4nt3d-ghp-2"
NEW = {
    "name": "statuses",
    "credential_type": "GitHub Personal Access Token",
    "inputs": {"token": TOKEN, "api_url": "https://ghe.example.com/api/v3"},
}


def test_a_new_credential_holds_the_inputs(controller, run):
    result = run(credential, **NEW)

    made = controller.only("credentials")
    assert result["changed"] is True
    assert result["id"] == made["id"]
    assert made["inputs"] == NEW["inputs"]
    assert controller.objects["credential_types"][made["credential_type"]]["name"] == NEW["credential_type"]


def test_a_second_run_changes_nothing(controller, run):
    run(credential, **NEW)
    before = len(controller.writes)

    result = run(credential, **NEW)

    assert result["changed"] is False
    assert result["diff"]["before"] == result["diff"]["after"]
    assert len(controller.writes) == before


@pytest.mark.parametrize("existing", [False, True])
def test_check_mode_writes_nothing_and_predicts_the_same_diff(receiver, run, existing):
    if existing:
        run(credential, **dict(NEW, inputs={"token": OTHER}))
    before = len(receiver.writes)

    predicted = run(credential, check_mode=True, **NEW)

    assert len(receiver.writes) == before
    actual = run(credential, **NEW)
    assert predicted["changed"] is actual["changed"] is True
    assert predicted["diff"] == actual["diff"]


def test_the_diff_shows_a_secret_only_as_changed(receiver, run):
    run(credential, **NEW)

    result = run(credential, **dict(NEW, inputs={"token": OTHER}))

    assert receiver.only("credentials")["inputs"]["token"] == OTHER
    assert result["diff"]["before"]["inputs"] == {"token": "set"}
    assert result["diff"]["after"]["inputs"] == {"token": "changed"}


def test_inputs_that_are_not_named_stay(controller, run):
    run(credential, **NEW)

    result = run(credential, **dict(NEW, inputs={"api_url": "https://other.example.com"}))

    assert result["changed"] is True
    assert controller.only("credentials")["inputs"] == {"token": TOKEN, "api_url": "https://other.example.com"}


def test_what_is_no_secret_is_shown(receiver, run):
    result = run(
        credential,
        name="git over ssh",
        credential_type="Machine",
        inputs={"username": "git", "password": "pl4nt3d-password-2"},
    )

    assert result["diff"]["after"]["name"] == "git over ssh"
    assert result["diff"]["after"]["inputs"] == {"username": "git", "password": "set"}


def test_what_is_no_secret_stays_masked_if_it_is_also_the_password(receiver, run):
    # The fixture looks for the password, which holds the planted mark, in every output.
    run(credential, name="m", credential_type="Machine", inputs={"username": receiver.password})


def test_awx_keeps_a_secret_it_cannot_compare(awx, run):
    run(credential, **NEW)

    result = run(credential, **dict(NEW, inputs={"token": OTHER}))

    assert result["changed"] is False
    assert awx.only("credentials")["inputs"]["token"] == TOKEN


def test_awx_gets_a_secret_it_cannot_compare_on_request(awx, run):
    run(credential, **NEW)

    result = run(credential, update_secrets=True, **dict(NEW, inputs={"token": OTHER}))

    assert result["changed"] is True
    assert awx.only("credentials")["inputs"] == {"token": OTHER, "api_url": "https://ghe.example.com/api/v3"}


def test_a_receiver_compares_whatever_update_secrets_says(receiver, run):
    run(credential, **NEW)

    assert run(credential, update_secrets=True, **NEW)["changed"] is False


def test_a_secret_that_is_missing_is_set_on_awx_too(awx, run):
    run(credential, **dict(NEW, inputs={"api_url": "https://ghe.example.com"}))

    result = run(credential, **dict(NEW, inputs={"token": TOKEN}))

    assert result["diff"]["before"]["inputs"] == {"token": "unset"}
    assert result["diff"]["after"]["inputs"] == {"token": "set"}
    assert awx.only("credentials")["inputs"]["token"] == TOKEN


def test_an_empty_string_removes_a_secret(controller, run):
    run(credential, **NEW)

    result = run(credential, **dict(NEW, inputs={"token": ""}))

    assert result["diff"]["after"]["inputs"] == {"token": "unset"}
    assert controller.only("credentials")["inputs"]["token"] == ""


def test_a_password_to_ask_for_is_compared_as_it_is(awx, run):
    asking = {"name": "m", "credential_type": "Machine", "inputs": {"password": "ASK"}}
    run(credential, **asking)
    assert run(credential, **asking)["changed"] is False

    result = run(credential, **dict(asking, inputs={"password": "pl4nt3d-pw"}))

    assert result["changed"] is True
    assert awx.only("credentials")["inputs"] == {"password": "pl4nt3d-pw"}


@pytest.mark.parametrize("kept", ["$encrypted$", None])
def test_the_mask_of_the_api_keeps_a_secret(receiver, run, kept):
    run(credential, **NEW)

    result = run(credential, **dict(NEW, inputs={"token": kept}))

    assert result["changed"] is False
    assert receiver.only("credentials")["inputs"]["token"] == TOKEN


@pytest.mark.parametrize("mask", ["********", "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"])
def test_a_mask_is_refused_as_a_secret(receiver, run, mask):
    message = run.fail(credential, **dict(NEW, inputs={"token": mask}))

    assert "is a mask that stands for a secret" in message
    assert receiver.writes == []


def test_an_input_that_the_type_does_not_know_is_refused(receiver, run):
    message = run.fail(credential, **dict(NEW, inputs={"tokn": TOKEN}))

    assert message == "inputs has 'tokn', which this credential type does not know. It knows: api_url, token."
    assert receiver.writes == []


def test_absent_deletes_once(controller, run):
    run(credential, **NEW)

    first = run(credential, state="absent", name="statuses", credential_type=NEW["credential_type"])
    second = run(credential, state="absent", name="statuses", credential_type=NEW["credential_type"])

    assert [first["changed"], second["changed"]] == [True, False]
    assert controller.objects["credentials"] == {}
    assert first["diff"]["after"] == {}


def test_an_unknown_type_is_an_error_before_any_write(receiver, run):
    message = run.fail(credential, name="x", credential_type="Nonsense", inputs={"a": "b"})

    assert message == (
        "Credential type 'Nonsense' does not exist on https://receiver.example.com, or this user may not see it. "
        "Create it first, or correct its name."
    )
    assert receiver.writes == []


def test_the_type_is_required(receiver, run):
    assert run.fail(credential, name="x") == "missing required arguments: credential_type"
