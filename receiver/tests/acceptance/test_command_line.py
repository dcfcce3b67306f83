# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`playhook send`, `explain`, `deliveries` and `jobs` beside a running receiver, and what wrong options are told."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.acceptance.conftest import Installation, Template
from tests.fakes.github import GitHubFake

COMMAND = str(Path(sys.executable).parent / "playhook")


def _run(live: Installation, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PLAYHOOK_HOME": str(live.home), "PLAYHOOK_PORT": str(live.port), "COLUMNS": "200"}
    command = [COMMAND, *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture(scope="module")
def filtered(installation: Installation) -> Template:
    return installation.make_template("only closed ones", playhook={"filters": {"actions": ["closed"]}})


def test_sample_is_sent_and_its_verdict_shown(installation: Installation, filtered: Template) -> None:
    done = _run(installation, "send", "--template", str(filtered.id), "--event", "pull_request")

    assert done.returncode == 0, done.stderr
    assert "200 Webhook ignored" in done.stdout
    assert "✗ actions" in done.stdout
    assert "wanted closed, found opened" in done.stdout


def test_other_rules_are_tried_without_saving_them(
    installation: Installation, filtered: Template, tmp_path: Path
) -> None:
    _run(installation, "send", "--template", str(filtered.id), "--event", "pull_request")
    delivery = installation.get("webhook_deliveries/", order_by="-id")["results"][0]["id"]
    rules = tmp_path / "rules.yml"
    rules.write_text("filters: {actions: [opened]}\n")
    tried = _run(installation, "explain", str(delivery), "--rules", str(rules))
    again = _run(installation, "explain", str(delivery))

    assert tried.stdout.rstrip().endswith("launches")
    assert "with these rules, now:" in tried.stdout
    assert "with these rules" not in again.stdout
    assert installation.get("jobs/", job_template=filtered.id)["count"] == 0


def test_sample_that_passes_launches(installation: Installation) -> None:
    template = installation.make_template("takes all")
    done = _run(installation, "send", "--template", str(template.id))

    assert "202 Job queued." in done.stdout
    job = installation.get("jobs/", job_template=template.id)["results"][0]
    assert installation.wait_for_job(job["id"])["status"] == "successful"
    assert "takes all" in _run(installation, "jobs").stdout
    assert "launched" in _run(installation, "deliveries").stdout


def test_narrow_terminal_breaks_prose_alone(installation: Installation) -> None:
    name = "a template with a name that takes more than its share of the line"
    template = installation.make_template(name)
    _run(installation, "send", "--template", str(template.id))
    job = installation.get("jobs/", job_template=template.id)["results"][0]
    installation.wait_for_job(job["id"])
    environment = {**os.environ, "PLAYHOOK_HOME": str(installation.home), "COLUMNS": "60"}
    listed = subprocess.run([COMMAND, "jobs"], env=environment, capture_output=True, text=True, timeout=60, check=True)

    row = next(line for line in listed.stdout.splitlines() if name in line)
    assert "successful" in row


def test_help_shows_defaults_and_choices() -> None:
    environment = {**os.environ, "COLUMNS": "200"}
    shown = subprocess.run([COMMAND, "serve", "--help"], env=environment, capture_output=True, text=True, check=True)

    assert "(default: 8052)" in shown.stdout
    assert "One of auto, console, json." in shown.stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("send",), "say where to"),
        (("send", "--template", "9999"), "There is no job template 9999."),
        (("explain", "9999"), "There is no delivery 9999."),
        (("serve", "--workers", "-1"), "PLAYHOOK_WORKERS"),
        (("serve", "--home", "/dev/null/x", "--port", "0"), "PLAYHOOK_HOME"),
        (("serve", "--port", "70000"), "PLAYHOOK_PORT"),
        (("serve", "--ssl-certfile", "/no/such.pem", "--port", "0"), "PLAYHOOK_SSL_CERTFILE"),
        (("serve", "--ssl-keyfile", "/no/such.pem", "--port", "0"), "PLAYHOOK_SSL_CERTFILE"),
        (("serve", "--allowed-networks", "10.0.0.0/33", "--port", "0"), "PLAYHOOK_ALLOWED_NETWORKS"),
        (("jobs", "--home", "/no/such/home"), "there is no receiver in /no/such/home"),
        (("token", "create", "--home", "/no/such/home"), "there is no receiver in /no/such/home"),
    ],
)
def test_mistakes_are_a_sentence_and_exit_2(
    installation: Installation, arguments: tuple[str, ...], sentence: str
) -> None:
    done = _run(installation, *arguments)

    assert done.returncode == 2
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_port_in_use_is_a_sentence(installation: Installation, tmp_path: Path) -> None:
    done = _run(installation, "serve", "--home", str(tmp_path), "--port", str(installation.port))

    assert done.returncode == 2
    assert f"port {installation.port}" in done.stderr


def test_lost_secret_key_is_not_replaced(tmp_path: Path) -> None:
    with Installation(tmp_path / "home", env={"PLAYHOOK_WORKERS": "0"}) as live:
        live.stop()
        (live.home / "secret_key").unlink()
        checked = _run(live, "check")
        served = _run(live, "serve")

    assert (checked.returncode, served.returncode) == (1, 2)
    assert "restore it from the backup" in checked.stdout
    assert "restore it from the backup" in served.stderr
    assert not (live.home / "secret_key").exists()


def test_check_tells_every_problem_without_a_traceback() -> None:
    command = [COMMAND, "check", "--home", "/dev/null/x", "--ssl-certfile", "/no/such.pem"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert done.stdout.count("failed") >= 3


def test_check_says_whether_jobs_start_warm(tmp_path: Path) -> None:
    said = {}
    for value in ("on", "off"):
        environment = {**os.environ, "PLAYHOOK_HOME": str(tmp_path / value), "PLAYHOOK_WARM_START": value}
        done = subprocess.run([COMMAND, "check"], env=environment, capture_output=True, text=True, check=False)
        said[value] = done.stdout

    assert "warm start: works" in said["on"]
    assert "warm start: off, because PLAYHOOK_WARM_START is off" in said["off"]


def test_networks_of_github_are_printed_for_the_setting() -> None:
    with GitHubFake() as github:
        command = [COMMAND, "networks", "github", "--api-url", github.url]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    other = subprocess.run([COMMAND, "networks", "generic"], capture_output=True, text=True, timeout=60, check=False)

    assert done.stdout == "192.30.252.0/22,2a0a:a440::/29\n"
    assert other.returncode == 2
    assert "does not publish its addresses" in other.stderr
