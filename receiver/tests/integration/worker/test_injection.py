# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A credential of a custom type, as a playbook finds it."""

from __future__ import annotations

from typing import Any

import pytest
from tests.integration.worker.arguments import watched_arguments
from tests.integration.worker.conftest import Bench, both_starts, play

from playhook.store import tables as t

pytestmark = pytest.mark.usefixtures("pool")

SECRET = "planted-in-a-credential"
FIELDS = [{"id": "user", "label": "User"}, {"id": "token", "label": "Token", "secret": True},
          {"id": "pin", "label": "PIN", "secret": True}]  # fmt: skip
INJECTORS = {
    "file": {"template.conf": "token={{ token }}"},
    "env": {"SHOP_USER": "{{ user }}", "SHOP_KEY": "{{ token }}", "SHOP_PIN": "{{ pin }}",
            "SHOP_CONF": "{{ tower.filename.conf }}"},
    "extra_vars": {"shop_url": "https://{{ user }}:{{ token }}@shop", "shop_title": "{{ user }}"},
}  # fmt: skip


def run_with_credential(bench: Bench, files: dict[str, str], injectors: dict[str, Any], **inputs: str) -> Any:
    columns = {"name": "Shop", "kind": "cloud", "inputs": {"fields": FIELDS}, "injectors": injectors}
    type_id = bench.insert(t.credential_types, **columns)
    stored = {name: bench.store.cipher.encrypt(value) if name != "user" else value for name, value in inputs.items()}
    credential = bench.insert(t.credentials, name="shop", credential_type_id=type_id, inputs=stored)
    template = bench.template(files, extra_vars="shop_title: the template's")
    bench.insert(t.template_credentials, template_id=template, credential_id=credential)
    return bench.run(template)


@both_starts
def test_a_playbook_finds_variables_and_files_and_no_secret_is_kept(bench: Bench) -> None:
    """A value that looks like a template is none."""
    user = "{{ lookup('pipe', 'id') }}"
    digest = f"'{SECRET}' | hash('sha1')"
    site = play(
        f"{{assert: {{that: [\"lookup('env', 'SHOP_KEY') | hash('sha1') == {digest}\"]}}}}",
        f"{{assert: {{that: [\"lookup('file', lookup('env', 'SHOP_CONF')) == 'token={SECRET}'\"]}}}}",
        "{stat: {path: \"{{ lookup('env', 'SHOP_CONF') }}\"}, register: file}",
        "{assert: {that: [file.stat.mode == '0600', \"lookup('env', 'SHOP_PIN') == '123'\"]}}",
        "{debug: {msg: 'url {{ shop_url }} user {{ shop_title }}'}}",
    )

    with watched_arguments() as arguments:
        job = run_with_credential(bench, {"site.yml": site}, INJECTORS, user=user, token=SECRET, pin="123")

    said = bench.stdout(job.id)
    assert job.status == "successful", said
    assert f"url ******** user {user}" in said
    assert {name: job.job_env[name] for name in ("SHOP_USER", "SHOP_KEY", "SHOP_PIN")} == {
        "SHOP_USER": user, "SHOP_KEY": "********", "SHOP_PIN": "********",
    }  # fmt: skip
    kept = b"".join(path.read_bytes() for path in bench.settings.home.rglob("*sqlite3*") if path.is_file())
    assert SECRET.encode() not in kept + b" ".join(arguments)
    with bench.store.reading() as connection:
        events = repr(connection.execute(t.job_events.select()).all())
    tasks = [line for line in events.splitlines() if "hash('sha1')" not in line]
    assert SECRET not in repr(job) + "".join(tasks)


def test_an_injector_that_cannot_be_filled_is_named(bench: Bench) -> None:
    injectors = {"env": {"SHOP_KEY": "{{ token.missing.part }}"}}

    job = run_with_credential(bench, {"site.yml": play("debug:")}, injectors, token=SECRET)

    assert (job.status, job.started) == ("error", None)
    assert job.job_explanation.startswith('The injector SHOP_KEY of the type of credential "shop" cannot be filled')
    assert SECRET not in job.job_explanation
