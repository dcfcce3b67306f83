# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing in a payload is ever run (SECURITY S2, S3), on the ansible-core that is installed."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.integration.worker.conftest import Bench, add_delivery, both_starts, gate, play, wait_for_gate, write_files
from tests.integration.worker.starts import run_warm

from playhook.worker.extra_vars_file import encode_untrusted

RunDirectly = Callable[[bytes], subprocess.CompletedProcess[str]]
ANSIBLE_PLAYBOOK = Path(sys.executable).with_name("ansible-playbook")

# Each use of a title, a key, or the whole payload in which plain extra vars ran the sender's code.
USES = """
- hosts: localhost
  connection: local
  gather_facts: false
  vars:
    ansible_python_interpreter: "{{ ansible_playbook_python }}"
    p: "{{ awx_webhook_payload }}"
    direct: "{{ p.title }}"
    of_key: "{{ p.labels | dict2items | map(attribute='key') | first }}"
  tasks:
    - {name: "task name {{ p.title }}", debug: {msg: "task name"}}
    - {name: debug var, debug: {var: p}}
    - {name: debug msg, debug: {msg: "msg {{ direct }} {{ of_key }}"}}
    - {name: when, debug: {msg: when}, when: p.title == 'nothing' or of_key == 'nothing'}
    - {name: bare when, debug: {msg: when}, when: p.title, ignore_errors: true}
    - {name: bare key when, debug: {msg: when}, when: of_key, ignore_errors: true}
    - {name: loop, debug: {msg: "{{ item }}"}, loop: "{{ [p.title] + p.nested.list }}"}
    - {name: loop over keys, debug: {msg: "{{ item.key }} {{ item.value }}"}, loop: "{{ p.labels | dict2items }}"}
    - {name: assert, assert: {that: ["p.title != 'nothing'", "of_key != 'nothing'"], success_msg: "{{ direct }}"}}
    - {name: set_fact, set_fact: {copied: "{{ p.title }}", copied_key: "{{ of_key }}"}}
    - {name: use of the fact, debug: {msg: "{{ copied }} {{ copied_key }}"}}
    - {name: template, template: {src: title.j2, dest: "{{ out }}/title.txt"}}
    - {name: copy content, copy: {content: "{{ p.title }}", dest: "{{ out }}/copied.txt"}}
    - {name: to_json, debug: {msg: "{{ p | to_json | from_json }}"}}
    - {name: to_yaml, debug: {msg: "{{ p | to_nice_yaml | from_yaml }}"}}
    - {name: string methods, debug: {msg: "{{ p.title | upper | lower }} {{ p.title ~ '' }}"}}
    - {name: format, debug: {msg: "{{ '%s' | format(p.title) }} {{ p.title | regex_replace('touch', 'touch') }}"}}
    - {name: keys and values, debug: {msg: "{{ p.labels.keys() | list }} {{ p.labels.values() | list }}"}}
    - {name: environment, command: printenv TITLE, environment: {TITLE: "{{ p.title }}"}, changed_when: false}
    - {name: command argument, command: {argv: [echo, "{{ p.title }}", "{{ of_key }}"]}, changed_when: false}
    - {name: include_vars of a copy, debug: {msg: "{{ lookup('vars', 'direct') }} {{ query('dict', p.labels) }}"}}
    - {name: vars of the task, debug: {msg: "{{ mine }}"}, vars: {mine: "{{ p.nested.list[0] }}"}}
    - {name: combine, debug: {msg: "{{ p.labels | combine({p.title: p.title}) }}"}}
    - {name: until, debug: {msg: u}, until: p.title != 'nothing', retries: 1, delay: 0}
    - {name: end, debug: {msg: "reached the end"}}
"""


def payload(marker: Path) -> dict[str, Any]:
    evil = f"{{{{ lookup('pipe', 'touch {marker}') }}}}"
    return {
        "title": evil,
        "labels": {evil: evil, "plain": "{% set x = lookup('pipe', 'touch " + str(marker) + "') %}"},
        "nested": {"list": [evil, "{# " + evil, 1, None, True, 1.5], evil: {evil: [evil]}},
    }


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    """What exists once the payload's code has run."""
    return tmp_path / "pwned"


@pytest.fixture(params=["cold", "warm"])
def run_directly(request: pytest.FixtureRequest, tmp_path: Path) -> RunDirectly:
    """Run the playbook with a file of extra variables, without the worker around it."""

    def run(extra_vars: bytes) -> subprocess.CompletedProcess[str]:
        private = Path(tempfile.mkdtemp(dir=tmp_path))
        write_files(private / "project", {"site.yml": USES, "title.j2": "{{ p.title }} {{ p.labels }}\n"})
        (private / "extra_vars").write_bytes(extra_vars)
        options = ["-e", f"@{private}/extra_vars", "-e", f"out={tmp_path}"]
        if request.param == "warm":
            return run_warm(request.getfixturevalue("warm_launcher"), private, options)
        command = [ANSIBLE_PLAYBOOK, "-i", "localhost,", *options, "site.yml"]
        return subprocess.run(
            command, cwd=private / "project", capture_output=True, text=True, check=False, timeout=120
        )

    return run


def test_plain_extra_vars_do_run_the_senders_code(run_directly: RunDirectly, marker: Path) -> None:
    """The control: without our encoding the same playbook and payload end with the file there."""
    ended = run_directly(json.dumps({"awx_webhook_payload": payload(marker)}).encode())

    assert marker.exists(), ended.stdout


def test_a_payload_is_text_in_every_use(run_directly: RunDirectly, tmp_path: Path, marker: Path) -> None:
    ended = run_directly(encode_untrusted({"awx_webhook_payload": payload(marker)}))

    assert "reached the end" in ended.stdout, ended.stdout + ended.stderr
    assert not marker.exists()
    title = payload(marker)["title"]
    assert (tmp_path / "copied.txt").read_text() == title
    assert (tmp_path / "title.txt").read_text().startswith(title)


@both_starts
@pytest.mark.usefixtures("pool")
def test_a_webhook_job_gets_its_payload_as_text(bench: Bench, tmp_path: Path, marker: Path) -> None:
    """The same through the worker, with Ansible's own marks as keys, which would break its JSON decoder."""
    hostile = {
        **payload(marker),
        "__ansible_unsafe": "x",
        "a": {"__ansible_unsafe": 1, "__ansible_vault": "x", "__ansible_type": "y"},
        "text": {
            "digits": "0123",
            "no": "no",
            "null": "null",
            "date": "2024-01-01",
            "control": "\u001b[K\u2028\u0085\t",
        },
    }
    files = {"site.yml": USES.replace("{{ out }}", str(tmp_path)), "title.j2": "{{ p.title }}\n"}
    template = bench.template(files, extra_vars=json.dumps({"own": "{{ 1 + 1 }}", "awx_webhook_payload": "mine"}))
    write_files(bench.settings.manual_projects / "plays", {"title.j2": files["title.j2"]})

    job = bench.run(template, delivery_id=add_delivery(bench, hostile), launch_type="webhook")

    assert job.status == "successful", bench.stdout(job.id)
    assert not marker.exists()
    seen = next(event for event in bench.events(job.id) if event.task == "debug var" and event.event == "runner_on_ok")
    expected = {
        **hostile,
        "___ansible_unsafe": "x",
        "a": {"___ansible_unsafe": 1, "___ansible_vault": "x", "___ansible_type": "y"},
    }
    del expected["__ansible_unsafe"]
    assert seen.event_data["res"]["p"] == expected


def test_what_breaks_ansibles_json_decoder_is_an_error_and_never_yaml(run_directly: RunDirectly, marker: Path) -> None:
    """The tab in front: without it Ansible reads the same text as YAML, where every string is a template."""
    broken = encode_untrusted({"awx_webhook_payload": payload(marker)})[:-1] + b', "x": {"__ansible_unsafe": 1}}'

    refused = run_directly(broken)
    ran_with_tab = marker.exists()
    run_directly(broken.removeprefix(b"\t"))

    assert (refused.returncode != 0, "PLAY" in refused.stdout, ran_with_tab) == (True, False, False)
    assert marker.exists(), "the control did not fall back to YAML: this test proves nothing"


@both_starts
@pytest.mark.usefixtures("pool")
def test_variables_of_a_launch_are_text_and_those_of_the_template_are_templates(bench: Bench) -> None:
    site = play("debug: {msg: 'own={{ own }} sent={{ sent }} id={{ awx_job_id }}'}")
    template = bench.template({"site.yml": site}, extra_vars="own: '{{ 1 + 1 }}'\n")

    job = bench.run(template, extra_vars=json.dumps({"own": "{{ 1 + 1 }}", "sent": "{{ 1 + 1 }}"}))

    assert f"own=2 sent={{{{ 1 + 1 }}}} id={job.id}" in bench.stdout(job.id)


@both_starts
@pytest.mark.usefixtures("pool")
def test_the_files_of_a_job_are_private_and_gone_afterwards(bench: Bench, tmp_path: Path) -> None:
    go = tmp_path / "go"
    template = bench.template({"site.yml": play(gate(go))}, extra_vars='{"a": 1}')
    job_id = bench.launch(template)
    wait_for_gate(go)

    private = bench.settings.home / "run" / str(job_id)
    modes = {file.name: oct(file.stat().st_mode & 0o777) for file in private.glob("vars/*.json")}
    directory = oct(private.stat().st_mode & 0o777)
    go.touch()
    bench.wait(job_id)

    assert modes == {"extra_vars.json": "0o600", "template_vars.json": "0o600", "hosts.json": "0o600"}
    assert directory == "0o700"
    assert list((bench.settings.home / "run").iterdir()) == []
