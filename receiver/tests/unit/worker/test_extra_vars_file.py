# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The encoding of extra variables, and which of them may be templates."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from playhook.errors import JobCannotRun
from playhook.store.deliveries import StoredDelivery
from playhook.store.job_inputs import JobInputs, JobRow, TemplateRow, UserRow
from playhook.worker.extra_vars_file import collect_extra_vars, encode_untrusted

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(st.characters(exclude_categories=["Cs"])) | st.just("__ansible_unsafe"), inner, max_size=4
        )
    ),
    max_leaves=20,
)


def loose_strings(value: Any) -> list[str]:
    """Return the strings that Ansible would take for templates."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        if list(value) == ["__ansible_unsafe"] and isinstance(value["__ansible_unsafe"], str):
            return []
        return [text for each in value.values() for text in loose_strings(each)]
    return [text for each in value for text in loose_strings(each)] if isinstance(value, list) else []


def reserved_keys(value: Any) -> list[str]:
    if isinstance(value, dict):
        if list(value) == ["__ansible_unsafe"] and isinstance(value["__ansible_unsafe"], str):
            return []
        own = [key for key in value if key.startswith("__ansible_")]
        return own + [key for each in value.values() for key in reserved_keys(each)]
    return [key for each in value for key in reserved_keys(each)] if isinstance(value, list) else []


@given(st.dictionaries(st.sampled_from(["awx_webhook_payload", "a"]), JSON))
def test_no_string_is_left_for_a_template_and_no_reserved_key_is_left(variables: dict[str, Any]) -> None:
    encoded = encode_untrusted(variables)
    decoded = orjson.loads(encoded)

    assert encoded.startswith(b"\t{")
    assert loose_strings(decoded) == []
    assert reserved_keys(decoded) == []


def test_the_encoding_is_ansibles_own() -> None:
    assert encode_untrusted({"a": {"__ansible_vault": "x", "n": [1, True, None, 1.5, "{{ x }}"]}}) == (
        b'\t{"a":{"___ansible_vault":{"__ansible_unsafe":"x"},"n":[1,true,null,1.5,{"__ansible_unsafe":"{{ x }}"}]}}'
    )


def test_too_deep_a_payload_is_an_error_of_the_job() -> None:
    deep: Any = "x"
    for _ in range(5000):
        deep = [deep]

    with pytest.raises(JobCannotRun, match="nested too deeply"):
        encode_untrusted({"a": deep})


def inputs(**changes: Any) -> JobInputs:
    job = {
        "id": 5,
        "type": "job",
        "name": "deploy",
        "launch_type": "manual",
        "unified_job_template_id": 1,
        "inventory_id": None,
        "project_id": None,
        "delivery_id": None,
        "created_by_id": None,
        "job_type": "run",
        "playbook": "site.yml",
        "scm_branch": "",
        "forks": 0,
        "limit": "",
        "verbosity": 0,
        "extra_vars": changes.pop("job_vars", ""),
        "survey_passwords": {},
        "job_tags": "",
        "skip_tags": "",
        "start_at_task": "",
        "force_handlers": False,
        "become_enabled": False,
        "diff_mode": False,
        "timeout": 0,
    }
    template = TemplateRow(id=1, name="deploy", extra_vars=changes.pop("template_vars", ""))
    return JobInputs(job=JobRow(**{**job, **changes.pop("job", {})}), template=template, **changes)


def test_only_what_the_template_still_says_may_be_a_template() -> None:
    collected = collect_extra_vars(
        inputs(template_vars="same: '{{ a }}'\nchanged: old\n", job_vars="same: '{{ a }}'\nchanged: new\nsent: x\n"), ""
    )

    assert collected.trusted == {"same": "{{ a }}"}
    assert {name: collected.untrusted[name] for name in ("changed", "sent")} == {"changed": "new", "sent": "x"}


def test_an_answer_is_no_template_even_where_the_template_says_the_same() -> None:
    same = "{{ a }}"
    collected = collect_extra_vars(
        inputs(template_vars=f"secret: '{same}'", job_vars="secret: $encrypted$", passwords={"secret": same}), ""
    )

    assert (collected.trusted, collected.untrusted["secret"]) == ({}, same)


def test_nothing_is_trusted_once_the_template_is_gone() -> None:
    with_template = inputs(job_vars="a: '{{ b }}'")
    collected = collect_extra_vars(JobInputs(job=with_template.job), "")

    assert collected.trusted == {}
    assert collected.untrusted["a"] == "{{ b }}"


def test_webhook_variables_win_over_the_templates_and_are_never_trusted() -> None:
    text = "awx_webhook_payload: '{{ mine }}'\nawx_job_id: 99\n"
    delivery = StoredDelivery(id=3, event={"type": "push"}, document=b'{"a": 1}')

    collected = collect_extra_vars(
        inputs(template_vars=text, job_vars=text, delivery=delivery, job={"delivery_id": 3}), ""
    )

    assert collected.trusted == {"awx_job_id": 99}
    assert collected.untrusted["awx_webhook_payload"] == {"a": 1}
    assert collected.untrusted["tower_job_id"] == 5


def test_a_launch_by_hand_tells_who_it_was() -> None:
    user = UserRow(id=2, username="ada", first_name="Ada", last_name="L", email="ada@example.com")

    untrusted = collect_extra_vars(inputs(user=user), "abc").untrusted

    assert {name: untrusted[f"awx_user_{name}"] for name in ("id", "name", "email", "first_name", "last_name")} == {
        "id": 2,
        "name": "ada",
        "email": "ada@example.com",
        "first_name": "Ada",
        "last_name": "L",
    }


def test_a_purged_delivery_is_an_error_of_the_job() -> None:
    purged = StoredDelivery(id=3, event={}, document=None)

    with pytest.raises(JobCannotRun, match="has been purged"):
        collect_extra_vars(inputs(delivery=purged, job={"delivery_id": 3}), "")


def test_variables_that_are_no_mapping_are_refused_without_being_quoted() -> None:
    with pytest.raises(JobCannotRun) as refused:
        collect_extra_vars(inputs(job_vars="password: [hunter22"), "")

    assert "hunter22" not in str(refused.value)
