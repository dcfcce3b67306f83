# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A title with template syntax in it runs nothing, whatever the playbook does with it (SECURITY S2, S3)."""

from __future__ import annotations

import json
from typing import Any

from tests.acceptance.conftest import Installation
from tests.acceptance.deliver import deliver_github, pull_request

TASKS = [
    "- ansible.builtin.debug:\n    msg: 'title {{ title }}'",
    "- ansible.builtin.debug:\n    var: awx_webhook_payload",
    "- ansible.builtin.debug:\n    msg: matched\n  when: title != 'something else'",
    "- ansible.builtin.debug:\n    msg: '{{ item }}'\n  loop: ['{{ title }}', '{{ awx_webhook_payload.action }}']",
    (
        "- ansible.builtin.debug:\n    msg: '{{ item.key }}={{ item.value }}'\n"
        "  loop: '{{ awx_webhook_payload | dict2items }}'"
    ),
    "- ansible.builtin.assert:\n    that: title | length > 0\n    success_msg: 'ok {{ title }}'",
    "- ansible.builtin.set_fact:\n    kept: '{{ title }}'\n    joined: '{{ title ~ awx_webhook_payload.action }}'",
    "- ansible.builtin.debug:\n    msg: 'kept {{ kept }} {{ joined }}'",
    "- ansible.builtin.template:\n    src: title.j2\n    dest: '{{ out }}/title.txt'",
    ("- ansible.builtin.copy:\n    content: '{{ awx_webhook_payload | to_json }}'\n    dest: '{{ out }}/payload.json'"),
    "- name: 'Look at {{ title }}'\n  ansible.builtin.debug:\n    msg: '{{ playhook_event.pull_request.title }}'",
    "- ansible.builtin.debug:\n    msg: '{{ tower_webhook_payload.pull_request | items | list }}'",
]


def _run(live: Installation, name: str, payload: dict[str, Any]) -> Any:
    live.write_playbook("title.yml", *TASKS)
    text = (live.project_dir / "title.yml").read_text()
    variables = "  vars:\n    title: '{{ awx_webhook_payload.pull_request.title }}'\n  tasks:"
    (live.project_dir / "title.yml").write_text(text.replace("  tasks:", variables))
    (live.project_dir / "title.j2").write_text("{{ title }}\n")
    out = live.home.parent / "out"
    out.mkdir(exist_ok=True)
    template = live.make_template(name, playbook="title.yml", extra_vars=json.dumps({"out": str(out)}))
    answer = deliver_github(live.url + template.path, template.key, payload)
    return live.wait_for_job(answer.json()["job"])


def test_title_with_a_lookup_runs_nothing(installation: Installation) -> None:
    pwned = installation.home / "pwned"
    title = f"{{{{ lookup('pipe', 'touch {pwned}') }}}}"
    payload = pull_request(title, **{title: title, "nested": [{title: [title]}]})
    job = _run(installation, "lookup in the title", payload)

    assert job["status"] == "successful", installation.get(f"jobs/{job['id']}/stdout/", format="json")["content"]
    assert not pwned.exists()
    assert (installation.home.parent / "out" / "title.txt").read_text(encoding="utf-8") == title + "\n"
    assert not list(installation.home.rglob("pwned"))


def test_reserved_keys_do_not_turn_the_payload_into_templates(installation: Installation) -> None:
    pwned = installation.home / "pwned"
    title = f"{{{{ lookup('pipe', 'touch {pwned}') }}}}"
    for number, reserved in enumerate(("__ansible_vault", "__ansible_unsafe", "__ansible_type", "__ansible_x")):
        payload = pull_request(title, **{reserved: title, "nested": {reserved: {reserved: title}}})
        job = _run(installation, f"reserved key {number}", payload)
        assert not pwned.exists()
        assert job["status"] == "successful", (reserved, job["job_explanation"])


def test_control_characters_and_odd_unicode_reach_the_playbook(installation: Installation) -> None:
    title = "tab\there, newline\nthere, nul \x00, emoji 🚀, \u2028 separator, quote ' \" \\ end: #"
    job = _run(installation, "odd characters", pull_request(title))

    assert job["status"] == "successful", job["job_explanation"]
    assert (installation.home.parent / "out" / "title.txt").read_text(encoding="utf-8") == title + "\n"


def test_launch_variables_do_not_replace_what_the_webhook_says(installation: Installation) -> None:
    installation.write_playbook("who.yml", "- ansible.builtin.debug:\n    msg: 'event {{ awx_webhook_event_type }}'")
    template = installation.make_template(
        "own variables", playbook="who.yml", extra_vars='{"awx_webhook_event_type": "mine", "other": 1}'
    )
    answer = deliver_github(installation.url + template.path, template.key, pull_request())
    job = installation.wait_for_job(answer.json()["job"])

    output = installation.get(f"jobs/{job['id']}/stdout/", format="json")["content"]
    assert "event pull_request" in output
