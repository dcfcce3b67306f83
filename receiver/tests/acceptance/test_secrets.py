# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Planted secrets turn up nowhere: logs, process arguments, API answers, the database file (SECURITY S4, S10, S18)."""

from __future__ import annotations

from pathlib import Path

import requests
from tests.acceptance.conftest import Installation, MakeInstallation
from tests.acceptance.deliver import deliver_github
from tests.fakes.github import GitHubFake
from tests.integration.worker.arguments import watched_arguments

TOKEN = "ghp_planted0token0of0the0webhook0credential"
VAULT = "planted-vault-password-7f3a"
MACHINE = "planted-machine-password-9c1d"
KEY = "planted-webhook-key-0123456789"
SURVEY = "planted-survey-default-5b2e"
OWN = "planted-own-credential-4a7c"


def test_planted_secrets_turn_up_nowhere(make_installation: MakeInstallation) -> None:
    live = make_installation(PLAYHOOK_LOG_LEVEL="debug")
    live.write_playbook(
        "site.yml",
        "- ansible.builtin.debug: {var: from_vault}",
        "- ansible.builtin.debug: {msg: \"asked {{ asked }}, own {{ own }} {{ lookup('env', 'OWN') }}\"}",
        "- ansible.builtin.command: sleep 1",
    )
    _encrypt_variable(live.project_dir, VAULT)
    with GitHubFake(token=TOKEN) as github:
        template = _make_template(live, github.url)
        payload = github.payload("pull_request.opened")
        with watched_arguments() as arguments:
            answer = deliver_github(live.url + template, KEY, payload)
            refused = deliver_github(live.url + template, "not the key, but planted too", payload)
            job = live.wait_for_job(answer.json()["job"])
            github.wait_for_statuses(2)
    answers = _all_answers(live.url, live.api)

    assert (job["status"], refused.status_code) == ("successful", 403)
    assert "the-secret-in-the-vault" in answers  # the playbook printed it, so the vault was open
    assert "asked ********, own ******** ********" in answers
    live.stop()
    places = {
        "log": live.log(),
        "process arguments": b"\n".join(arguments).decode("latin-1"),
        "API answers": answers,
        "files": _files(live.home),
    }
    for place, text in places.items():
        for secret in (TOKEN, VAULT, MACHINE, KEY, SURVEY, OWN):
            assert secret not in text, f"{secret[:14]}… is in the {place}"
    signature = "sha256="
    assert signature not in places["log"], "a signature is in the log"


def _encrypt_variable(project: Path, password: str) -> None:
    from ansible.parsing.vault import VaultLib, VaultSecret

    secret = VaultSecret(password.encode())
    encrypted = VaultLib([("default", secret)]).encrypt(b"from_vault: the-secret-in-the-vault\n", secret)
    (project / "group_vars").mkdir()
    (project / "group_vars" / "all.yml").write_bytes(encrypted)


def _make_template(live: Installation, github_url: str) -> str:
    own = {
        "inputs": {"fields": [{"id": "secret", "label": "Secret", "secret": True}]},
        "injectors": {"env": {"OWN": "{{ secret }}"}, "extra_vars": {"own": "{{ secret }}"}},
    }
    live.post("credential_types/", {"name": "Own", "kind": "cloud", **own})
    types = {each["name"]: each["id"] for each in live.get("credential_types/", page_size=200)["results"]}
    attached = []
    for name, inputs in (
        ("Vault", {"vault_password": VAULT}),
        ("Machine", {"username": "nobody", "password": MACHINE}),
        ("Own", {"secret": OWN}),
    ):
        body = {"name": name, "organization": live.organization, "credential_type": types[name], "inputs": inputs}
        attached.append(live.post("credentials/", body)["id"])
    token = live.make_token_credential("token", "GitHub Personal Access Token", token=TOKEN, api_url=github_url)
    template = live.make_template("secrets", webhook_credential=token, survey_enabled=True)
    question = {"question_name": "?", "type": "password", "variable": "asked", "required": True, "default": SURVEY}
    survey = {"name": "", "description": "", "spec": [question]}
    path = f"{live.url}/api/v2/job_templates/{template.id}/survey_spec/"
    assert live.api.post(path, json=survey, timeout=30).status_code == 200
    for credential in attached:
        live.post(f"job_templates/{template.id}/credentials/", {"id": credential})
    live.post(f"job_templates/{template.id}/webhook_key/", {"webhook_key": KEY})
    return template.path


def _all_answers(url: str, api: requests.Session) -> str:
    """Return everything the API shows: every list, every object in it, every job's output and events."""
    texts = []
    for path in api.get(f"{url}/api/v2/", timeout=30).json().values():
        listed = api.get(f"{url}{path}", params={"page_size": 200}, timeout=30)
        texts.append(listed.text)
        body = listed.json() if listed.ok else {}
        for entry in body.get("results", []) if isinstance(body, dict) else []:
            if "url" in entry:
                texts.append(api.get(f"{url}{entry['url']}", timeout=30).text)
                related = entry.get("related", {})
                texts += [
                    api.get(f"{url}{related[name]}", params={"format": "json"}, timeout=30).text
                    for name in ("stdout", "job_events", "credentials")
                    if name in related
                ]
    return "\n".join(texts)


def _files(home: Path) -> str:
    return "\n".join(file.read_bytes().decode("latin-1") for file in home.rglob("*") if file.is_file())
