# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.playhook.webhooks.plugins.modules import repository_webhook as module

URL = "https://hooks.example.com/api/v2/job_templates/7/gitlab/"
KEY = "pl4nt3d-hook-key-0123456789"
OTHER = "pl4nt3d-hook-key-9876543210"
NEW = {"url": URL, "key": KEY, "name": "playhook", "events": ["push_events", "merge_requests"]}


@pytest.fixture(autouse=True)
def listening(gitlab):
    """A receiver that accepts KEY."""
    gitlab.accepted_key = KEY


def enabled(hook):
    return sorted(name for name, value in hook.items() if name.endswith("_events") and value)


def test_a_new_hook_verifies_tls_and_sends_nothing_else(gitlab, run_gitlab):
    result = run_gitlab(module, **NEW)

    (hook,) = gitlab.hooks
    assert result["hook_id"] == hook["id"]
    assert [hook["url"], hook["token"], hook["name"]] == [URL, KEY, "playhook"]
    assert hook["enable_ssl_verification"] is True
    assert enabled(hook) == ["merge_requests_events", "push_events"]


def test_a_new_hook_sends_what_statuses_are_posted_for(gitlab, run_gitlab):
    run_gitlab(module, url=URL, key=KEY)

    assert enabled(gitlab.hooks[0]) == ["merge_requests_events", "push_events", "tag_push_events"]


def test_a_second_run_changes_nothing(gitlab, run_gitlab):
    run_gitlab(module, **NEW)
    before = len(gitlab.writes)

    result = run_gitlab(module, **NEW)

    assert result["changed"] is False
    assert result["diff"]["before"] == result["diff"]["after"]
    assert len(gitlab.writes) == before


@pytest.mark.parametrize("change", [None, {"key": OTHER}, {"events": ["note"]}, {"hook_validate_certs": False}])
def test_check_mode_writes_nothing_and_predicts_the_same_diff(gitlab, run_gitlab, change):
    if change:
        run_gitlab(module, **NEW)
    before = len(gitlab.writes)

    predicted = run_gitlab(module, check_mode=True, **dict(NEW, **(change or {})))

    assert len(gitlab.writes) == before
    actual = run_gitlab(module, **dict(NEW, **(change or {})))
    assert predicted["changed"] is actual["changed"] is True
    assert predicted["diff"] == actual["diff"]


def test_another_key_is_set_once(gitlab, run_gitlab):
    run_gitlab(module, **NEW)

    first = run_gitlab(module, **dict(NEW, key=OTHER))
    second = run_gitlab(module, **dict(NEW, key=OTHER))

    assert gitlab.hooks[0]["token"] == OTHER
    assert [first["changed"], second["changed"]] == [True, False]


def test_a_key_that_somebody_else_changed_is_set_again_after_a_refusal(gitlab, run_gitlab):
    run_gitlab(module, **NEW)
    gitlab.hooks[0]["token"] = "somebody-else"
    gitlab.deliver(gitlab.hooks[0])

    first = run_gitlab(module, **NEW)
    # GitLab does not say when a hook was changed: the refusal is still the newest event.
    second = run_gitlab(module, **NEW)

    assert gitlab.hooks[0]["token"] == KEY
    assert [first["changed"], second["changed"]] == [True, False]


def test_a_description_is_kept_beside_the_fingerprint(gitlab, run_gitlab):
    gitlab.add(url=URL, description="Ask Kim.")

    run_gitlab(module, **NEW)
    run_gitlab(module, **dict(NEW, key=OTHER))

    assert gitlab.hooks[0]["description"].startswith("Ask Kim. [playhook key ")
    assert gitlab.hooks[0]["description"].count("[") == 1


def test_a_gitlab_without_descriptions_gets_the_key_each_time(gitlab, run_gitlab):
    gitlab.old = True
    wanted = dict(NEW, name=None)
    run_gitlab(module, **wanted)

    result = run_gitlab(module, **wanted)

    assert result["changed"] is True
    assert gitlab.hooks[0]["token"] == KEY
    assert [result["diff"][moment]["key"] for moment in ("before", "after")] == ["unknown", "set"]


def test_a_key_that_is_omitted_stays(gitlab, run_gitlab):
    run_gitlab(module, **NEW)

    assert run_gitlab(module, url=URL, events=["note"], hook_validate_certs=False)["changed"] is True

    hook = gitlab.hooks[0]
    assert [hook["token"], enabled(hook), hook["enable_ssl_verification"]] == [KEY, ["note_events"], False]


def test_a_name_finds_a_hook_whose_address_changes(gitlab, run_gitlab):
    run_gitlab(module, **NEW)

    run_gitlab(module, **dict(NEW, url="https://playhook.example.com/"))

    (hook,) = gitlab.hooks
    assert [hook["url"], hook["token"]] == ["https://playhook.example.com/", KEY]


def test_a_change_of_the_address_needs_the_key(gitlab, run_gitlab):
    run_gitlab(module, **NEW)
    before = len(gitlab.writes)

    assert run_gitlab.fail(module, name="playhook", url="https://playhook.example.com/") == (
        "gitlab forgets a hook's key when its URL changes: to move hook 1, give key too."
    )
    assert len(gitlab.writes) == before


def test_absent_deletes_once(gitlab, run_gitlab):
    run_gitlab(module, **NEW)

    first = run_gitlab(module, url=URL, state="absent")
    second = run_gitlab(module, url=URL, state="absent")

    assert [first["changed"], second["changed"]] == [True, False]
    assert gitlab.hooks == []


@pytest.mark.parametrize("api_url", ["https://gitlab.com", "gitlab.com/api/v4"])
def test_the_instance_and_its_api_are_both_taken(gitlab, run_gitlab, api_url):
    assert run_gitlab(module, api_url=api_url, **NEW)["changed"] is True


def test_a_test_delivery_is_waited_for(gitlab, run_gitlab):
    assert run_gitlab(module, test=True, **NEW)["test_status_code"] == 200


def test_a_test_delivery_that_is_refused_is_an_error(gitlab, run_gitlab):
    gitlab.accepted_key = OTHER

    message = run_gitlab.fail(module, test=True, **NEW)

    assert message.startswith("The test of hook 1 failed.")
    assert message.endswith("Hook execution failed: 403.")


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ({"key": "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"}, "key is a mask that stands for a secret"),
        ({"active": False}, "active cannot be false with gitlab"),
        ({"events": ["push", "pull_request"]}, "events has pull_request, which gitlab does not know. It knows: conf"),
        ({"token": "wrong"}, "https://gitlab.com/api/v4 refused the credentials (401 Unauthorized). Check token"),
        ({"token": None}, "No token for gitlab: give token, or set the environment variable GITLAB_TOKEN."),
        (
            {"repository": "group/other"},
            "https://gitlab.com/api/v4 answered 404 to GET /api/v4/projects/group%2Fother",
        ),
    ],
)
def test_what_cannot_work_is_refused(gitlab, run_gitlab, option, words):
    assert run_gitlab.fail(module, **dict(NEW, **option)).startswith(words)
    assert gitlab.writes == []
