# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.playhook.webhooks.plugins.module_utils._scm import github as scm_github
from ansible_collections.playhook.webhooks.plugins.modules import repository_webhook as module

URL = "https://hooks.example.com/api/v2/job_templates/7/github/"
KEY = "pl4nt3d-hook-key-0123456789"
OTHER = "pl4nt3d-hook-key-9876543210"
# printf playhook-webhook-key:KEY | sha256sum | cut -c 1-16
FINGERPRINT = "90541190fdb1e026"
NEW = {"url": URL, "key": KEY, "events": ["pull_request", "push"]}


@pytest.fixture(autouse=True)
def listening(github):
    """A receiver that accepts KEY."""
    github.accepted_key = KEY


def test_a_new_hook_sends_json_over_verified_tls(github, run_github):
    result = run_github(module, **NEW)

    (hook,) = github.hooks
    assert result["hook_id"] == hook["id"]
    assert result["key_fingerprint"] == FINGERPRINT
    assert [hook["active"], sorted(hook["events"])] == [True, ["pull_request", "push"]]
    documented = {name: hook["config"][name] for name in ("url", "content_type", "insecure_ssl", "secret")}
    assert documented == {"url": URL, "content_type": "json", "insecure_ssl": "0", "secret": KEY}


def test_a_new_hook_sends_what_statuses_are_posted_for(github, run_github):
    run_github(module, url=URL, key=KEY)

    assert github.hooks[0]["events"] == ["pull_request"]


def test_a_second_run_changes_nothing(github, run_github):
    run_github(module, **NEW)
    before = len(github.writes)

    result = run_github(module, **NEW)

    assert result["changed"] is False
    assert result["diff"]["before"] == result["diff"]["after"]
    assert len(github.writes) == before


def test_the_ping_that_shows_the_key_is_waited_for(github, run_github):
    github.slow = 3
    run_github(module, **NEW)
    assert run_github(module, **NEW)["changed"] is False

    run_github(module, **dict(NEW, key=OTHER))

    assert run_github(module, **dict(NEW, key=OTHER))["changed"] is False


def test_a_key_that_no_delivery_shows_is_set_again(github, run_github, monkeypatch):
    monkeypatch.setattr(scm_github, "_SETTLED_AFTER", 0)
    github.pings = False
    run_github(module, **NEW)

    assert run_github(module, **NEW)["changed"] is True


def test_a_key_that_nobody_accepts_is_right_all_the_same(github, run_github):
    github.accepted_key = None
    run_github(module, **NEW)

    assert run_github(module, **NEW)["changed"] is False


@pytest.mark.parametrize(
    "change",
    [None, {"key": OTHER}, {"events": ["release"]}, {"active": False}, {"hook_validate_certs": False}],
)
def test_check_mode_writes_nothing_and_predicts_the_same_diff(github, run_github, change):
    if change:
        run_github(module, **NEW)
    before = len(github.writes)

    predicted = run_github(module, check_mode=True, **dict(NEW, **(change or {})))

    assert len(github.writes) == before
    actual = run_github(module, **dict(NEW, **(change or {})))
    assert predicted["changed"] is actual["changed"] is True
    assert predicted["diff"] == actual["diff"]


def test_another_key_is_set_once(github, run_github):
    run_github(module, **NEW)
    github.accepted_key = OTHER

    first = run_github(module, **dict(NEW, key=OTHER))
    github.deliver(github.hooks[0], "pull_request")
    second = run_github(module, **dict(NEW, key=OTHER))

    assert github.hooks[0]["config"]["secret"] == OTHER
    assert [first["changed"], second["changed"]] == [True, False]
    assert [first["diff"][moment]["key"] for moment in ("before", "after")] == ["set", "changed"]


def test_a_key_that_somebody_else_changed_is_set_again(github, run_github):
    run_github(module, **NEW)
    github.hooks[0]["config"]["secret"] = "somebody-else"
    github.deliver(github.hooks[0], "pull_request")

    first = run_github(module, **NEW)
    second = run_github(module, **NEW)

    assert github.hooks[0]["config"]["secret"] == KEY
    assert [first["changed"], second["changed"]] == [True, False]


def test_a_key_that_is_omitted_stays(github, run_github):
    run_github(module, **NEW)

    result = run_github(module, url=URL, events=["release"], hook_validate_certs=False)

    assert github.hooks[0]["config"]["secret"] == KEY
    assert github.hooks[0]["config"]["insecure_ssl"] == "1"
    assert github.hooks[0]["events"] == ["release"]
    assert [result["diff"][moment]["key"] for moment in ("before", "after")] == ["set", "set"]


def test_a_hook_made_by_hand_is_put_right(github, run_github):
    github.add(config={"url": URL, "insecure_ssl": "1"})

    result = run_github(module, **NEW)

    config = github.hooks[0]["config"]
    assert [config["content_type"], config["insecure_ssl"], config["secret"]] == ["json", "0", KEY]
    assert result["diff"]["before"]["key"] == "unset"
    assert result["diff"]["before"]["content_type"] == "form"
    assert len(github.hooks) == 1


def test_a_hook_made_by_hand_with_the_right_key_is_left_alone(github, run_github):
    hook = github.add(config={"url": URL, "content_type": "json", "secret": KEY}, events=["pull_request", "push"])
    github.deliver(hook, "push")

    assert run_github(module, **NEW)["changed"] is False


def test_events_that_are_omitted_stay(github, run_github):
    run_github(module, **NEW)

    assert run_github(module, url=URL, key=KEY)["changed"] is False


def test_a_pattern_finds_a_hook_whose_address_changes(github, run_github):
    run_github(module, **NEW)
    moved = URL.replace("hooks.example.com", "playhook.example.com")

    result = run_github(module, url=moved, url_pattern="https://*/api/v2/job_templates/7/github/")

    (hook,) = github.hooks
    assert [hook["config"]["url"], hook["config"]["secret"]] == [moved, KEY]
    assert result["diff"]["before"]["url"] == URL
    assert result["diff"]["after"]["url"] == moved


def test_an_id_finds_a_hook(github, run_github):
    hook = github.add()

    run_github(module, hook_id=hook["id"], url=URL)

    assert [each["config"]["url"] for each in github.hooks] == [URL]


def test_an_id_that_is_not_there_is_an_error_unless_it_is_to_be_absent(github, run_github):
    assert run_github.fail(module, hook_id=4711) == (
        "example/site has no hook 4711. Omit hook_id to find the hook by url."
    )
    assert run_github(module, hook_id=4711, state="absent")["changed"] is False


def test_several_that_fit_are_an_error(github, run_github):
    ids = [github.add(config={"url": f"https://{host}.example.com/hook"})["id"] for host in ("a", "b")]

    assert run_github.fail(module, url_pattern="https://*.example.com/hook", url=URL, key=KEY) == (
        f"The hooks {ids[0]}, {ids[1]} of example/site fit. Give hook_id, or purge_duplicates to keep one."
    )
    assert github.writes == []


def test_duplicates_go_on_request(github, run_github):
    github.add(config={"url": "https://a.example.com/hook"})
    kept = github.add(config={"url": "https://b.example.com/hook", "secret": KEY})

    result = run_github(
        module,
        url="https://b.example.com/hook",
        url_pattern="https://*.example.com/hook",
        purge_duplicates=True,
    )

    assert [hook["id"] for hook in github.hooks] == [kept["id"]]
    assert result["diff"]["before"]["duplicates"] == ["https://a.example.com/hook"]
    assert result["diff"]["after"]["duplicates"] == []


def test_absent_deletes_once(github, run_github):
    run_github(module, **NEW)

    first = run_github(module, url=URL, state="absent")
    second = run_github(module, url=URL, state="absent")

    assert [first["changed"], second["changed"]] == [True, False]
    assert github.hooks == []


def test_hooks_beyond_the_first_page_are_found(github, run_github):
    for number in range(100):
        github.add(config={"url": f"https://other.example.com/{number}"})
    run_github(module, **NEW)

    assert run_github(module, **NEW)["changed"] is False


def test_a_test_delivery_is_waited_for(github, run_github):
    assert run_github(module, test=True, **NEW)["test_status_code"] == 200


def test_a_test_delivery_that_is_refused_is_an_error(github, run_github):
    github.accepted_key = OTHER

    assert run_github.fail(module, test=True, **NEW) == (
        "The ping of hook 100 was answered 403 (Invalid HTTP Response: 403)."
    )


def test_a_test_delivery_that_does_not_come_is_an_error(github, run_github, monkeypatch):
    monkeypatch.setattr(scm_github, "_SETTLED_AFTER", 0)
    github.pings = False

    assert run_github.fail(module, test=True, test_timeout=0, **NEW) == (
        "The ping of hook 100 was not delivered within 0 seconds."
    )


def test_check_mode_sends_no_test_delivery(github, run_github):
    run_github(module, **NEW)
    before = len(github.writes)

    assert "test_status_code" not in run_github(module, check_mode=True, test=True, **NEW)
    assert len(github.writes) == before


@pytest.mark.parametrize("missing", ["url", "key"])
def test_a_new_hook_needs_an_address_and_a_key(github, run_github, missing):
    given = dict(NEW, url_pattern="https://nothing.example.com/*")
    given[missing] = None

    assert run_github.fail(module, **given) == f"example/site has no such hook yet, and a new one needs {missing}."
    assert github.writes == []


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ({"key": "********"}, "key is a mask that stands for a secret"),
        ({"key": ""}, "key is empty, and a hook without a key must not exist"),
        ({"url": "hooks.example.com"}, "url must be a whole http or https address"),
        ({"name": "mine"}, "name cannot be used with github"),
        ({"repository": "site"}, "repository must be owner/name for github, not 'site'."),
        ({"repository": "../../user"}, "repository must be owner/name for github"),
        ({"api_url": "ftp://api.github.com"}, "api_url must be an http or https address"),
        ({"token": "wrong"}, "https://api.github.com refused the credentials (Bad credentials). Check token"),
        ({"token": None}, "No token for github: give token, or set the environment variable GITHUB_TOKEN."),
        ({"repository": "example/other"}, "https://api.github.com answered 404 to GET /repos/example/other/hooks"),
    ],
)
def test_what_cannot_work_is_refused(github, run_github, option, words):
    assert run_github.fail(module, **dict(NEW, **option)).startswith(words)
    assert github.writes == []


def test_the_token_may_come_from_the_environment(github, run_github, monkeypatch):
    monkeypatch.setenv("GITHUB_TOKEN", github.token)

    assert run_github(module, token=None, **NEW)["changed"] is True


def test_something_must_find_the_hook(github, run_github):
    assert run_github.fail(module, key=KEY) == ("one of the following is required: hook_id, url, url_pattern, name")
