# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role on a booted systemd: one machine's life, told in order. Each test starts where the one before it ended."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .conftest import EXTRA_PACKAGE, WHEELS_INSIDE, Ansible, Planted
from .machine import Machine

DEPLOY = "playhook.webhooks.deploy_receiver"
UNIT = "/etc/systemd/system/playhook.service"
ENVIRONMENT = "/etc/playhook/receiver.env"
# The score of `systemd-analyze security` in tenths; 100 is a unit without any protection.
EXPOSURE_LIMIT = 20


@pytest.fixture(scope="module")
def options(planted: Planted) -> dict[str, Any]:
    """Return the role's variables. Tests that reconfigure change them for the tests after them."""
    return {
        "webhook_receiver_pip_extra_args": ["--no-index", f"--find-links={WHEELS_INSIDE}"],
        "webhook_receiver_extra_packages": [EXTRA_PACKAGE],
        "webhook_receiver_base_url": "https://playhook.example.com",
        "webhook_receiver_admin_password": planted.admin_password,
        "webhook_receiver_secret_key": planted.secret_key,
    }


def properties(machine: Machine, *names: str) -> dict[str, str]:
    """Return what systemd itself holds for the service, not what the unit file says."""
    shown = machine.run("systemctl", "show", "playhook.service", f"--property={','.join(names)}")
    return dict(line.split("=", 1) for line in shown.splitlines())


def main_pid(machine: Machine) -> int:
    return int(properties(machine, "MainPID")["MainPID"])


def get(machine: Machine, url: str, *arguments: str) -> tuple[int, str]:
    """Ask the receiver from inside the machine; return the answer's code and body."""
    answer = machine.run(
        "curl", "--silent", "--insecure", "--write-out", "\n%{http_code}", *arguments, url, check=False
    )
    body, _, code = answer.rpartition("\n")
    return int(code), body


def wait_for(condition: Callable[[], bool], seconds: float = 90) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.3)
    return False


def test_check_mode_on_a_new_host_foretells_and_changes_nothing(
    machine: Machine, ansible: Ansible, options: dict[str, Any]
) -> None:
    foretold = ansible.play(DEPLOY, "--check", "--diff", variables=options)
    assert foretold.changed > 10
    assert "ExecStart=/opt/playhook/" in foretold.output
    traces = ["/opt/playhook", "/etc/playhook", "/var/lib/playhook", UNIT, "/usr/local/bin/playhook", "/usr/bin/git"]
    assert machine.run("ls", "-d", *traces, check=False) == ""
    assert "playhook" not in machine.run("getent", "passwd")


def test_installs_and_answers(machine: Machine, ansible: Ansible, options: dict[str, Any]) -> None:
    ansible.play(DEPLOY, "--diff", variables=options)
    code, body = get(machine, "http://127.0.0.1:8052/api/v2/ping/")
    assert code == 200, body
    assert properties(machine, "ActiveState", "SubState", "UnitFileState") == {
        "ActiveState": "active",
        "SubState": "running",
        "UnitFileState": "enabled",
    }


def test_a_second_run_changes_nothing(machine: Machine, ansible: Ansible, options: dict[str, Any]) -> None:
    before = main_pid(machine)
    assert ansible.play(DEPLOY, "--diff", variables=options).changed == 0
    assert main_pid(machine) == before


def test_the_service_runs_confined(machine: Machine) -> None:
    expected = {
        "AmbientCapabilities": "",
        "CapabilityBoundingSet": "",
        "DevicePolicy": "closed",
        "KillMode": "mixed",
        "LockPersonality": "yes",
        "NoNewPrivileges": "yes",
        "PrivateDevices": "yes",
        "PrivateTmp": "yes",
        "ProtectClock": "yes",
        "ProtectControlGroups": "yes",
        "ProtectHome": "yes",
        "ProtectHostname": "yes",
        "ProtectKernelLogs": "yes",
        "ProtectKernelModules": "yes",
        "ProtectKernelTunables": "yes",
        "ProtectProc": "invisible",
        "ProtectSystem": "strict",
        "ReadWritePaths": "/var/lib/playhook",
        "RestrictRealtime": "yes",
        "RestrictSUIDSGID": "yes",
        "SystemCallArchitectures": "native",
        "TimeoutStopUSec": "45s",
        "UMask": "0077",
        "User": "playhook",
    }
    assert properties(machine, *expected) == expected
    assert "mount" not in properties(machine, "SystemCallFilter")["SystemCallFilter"].split()


def test_the_kernel_confirms_it(machine: Machine) -> None:
    status = machine.run("cat", f"/proc/{main_pid(machine)}/status")
    user = machine.run("id", "-u", "playhook").strip()
    assert re.search(rf"^Uid:\t{user}\t{user}\t{user}\t{user}$", status, re.MULTILINE), status
    for line in ("NoNewPrivs:\t1", "Seccomp:\t2", "CapEff:\t0000000000000000", "CapBnd:\t0000000000000000"):
        assert f"\n{line}\n" in status, status


def test_systemd_rates_the_unit_as_little_exposed(machine: Machine) -> None:
    report = machine.run(
        "systemd-analyze", "security", "--no-pager", "--offline=true", f"--threshold={EXPOSURE_LIMIT}", UNIT
    )
    assert "Overall exposure level" in report


def test_files_have_their_owner_and_mode(machine: Machine) -> None:
    expected = {
        "/etc/playhook": "root:playhook 750",
        ENVIRONMENT: "root:root 600",
        "/etc/playhook/secret_key": "playhook:playhook 400",
        UNIT: "root:root 644",
        "/usr/local/bin/playhook": "root:root 755",
        "/var/lib/playhook": "playhook:playhook 700",
    }
    shown = machine.run("stat", "--format=%n %U:%G %a", *expected)
    assert dict(line.split(" ", 1) for line in shown.splitlines()) == expected
    assert machine.run("find", "/opt/playhook", "!", "-user", "root", "-o", "-perm", "/022", "!", "-type", "l") == ""
    assert machine.run("find", "/var/lib/playhook", "-type", "f", "-perm", "/077") == ""


def test_nobody_else_reads_a_secret(machine: Machine) -> None:
    for path in (ENVIRONMENT, "/etc/playhook/secret_key", "/var/lib/playhook/playhook.sqlite3"):
        for user in ("deploy", "nobody"):
            assert machine.run("runuser", "-u", user, "--", "cat", path, check=False) == ""


def test_no_secret_is_seen_in_what_ansible_systemd_or_ps_print(
    machine: Machine, ansible: Ansible, planted: Planted
) -> None:
    seen = [
        *ansible.printed,
        machine.run("ps", "-eww", "-o", "args"),
        machine.run("journalctl", "--no-pager", "--output=export"),
        machine.run("systemctl", "show", "playhook.service"),
        machine.run("cat", UNIT, "/usr/local/bin/playhook"),
    ]
    assert "playhook serve" in seen[-4]
    # Its end is a random word without characters that a log could have written in another way.
    for secret in (planted.admin_password[-8:], planted.secret_key[:20]):
        assert [text for text in seen if secret in text] == []


def test_the_administrator_logs_in_with_the_password_given(machine: Machine, planted: Planted) -> None:
    me = "http://127.0.0.1:8052/api/v2/me/"
    code, body = get(machine, me, "--user", f"admin:{planted.admin_password}")
    assert (code, json.loads(body)["results"][0]["username"]) == (200, "admin")
    assert get(machine, me, "--user", f"admin:{planted.admin_password}x")[0] == 401


def test_the_secret_key_given_is_the_one_in_use(machine: Machine, planted: Planted) -> None:
    assert machine.run("cat", "/etc/playhook/secret_key") == f"{planted.secret_key}\n"
    assert machine.run("ls", "/var/lib/playhook/secret_key", check=False) == ""


def test_the_command_runs_as_the_service_does(machine: Machine) -> None:
    checks = machine.run("/usr/local/bin/playhook", "check")
    assert "failed" not in checks
    assert "ansible" in checks
    token = machine.run("/usr/local/bin/playhook", "token", "create").split()[-1]
    code, body = get(machine, "http://127.0.0.1:8052/api/v2/me/", "--header", f"Authorization: Bearer {token}")
    assert code == 200, body


def test_jobs_see_the_extra_packages(machine: Machine) -> None:
    (venv,) = machine.run("sh", "-c", "ls -d /opt/playhook/*/venv").split()
    assert EXTRA_PACKAGE in machine.run(f"{venv}/bin/python", "-m", "pip", "list", "--format=freeze")


def test_systemd_restarts_a_killed_receiver(machine: Machine) -> None:
    before = main_pid(machine)
    machine.run("kill", "-KILL", str(before))
    assert wait_for(lambda: get(machine, "http://127.0.0.1:8052/api/v2/ping/")[0] == 200)
    assert main_pid(machine) not in {0, before}


def test_jobs_run_ansible_git_and_ssh_and_nothing_beyond(machine: Machine, ansible: Ansible, planted: Planted) -> None:
    for path in (Path(__file__).parent / "project").iterdir():
        shutil.copy(path, machine.root / "home/deploy")
    commit = "git -c user.name=deploy -c user.email=deploy@example.com commit --quiet --message=first"
    make_repository = f"cd; git init --quiet project; mv site.yml project; cd project; git add .; {commit}"
    machine.run("runuser", "-u", "deploy", "--", "sh", "-euc", make_repository)
    variables = {"admin_password": planted.admin_password, "ssh_key": machine.key.read_text(), "mark": "by the job"}
    ansible.play(Path(__file__).with_name("run_a_job.yml"), variables=variables)
    assert machine.run("cat", "/home/deploy/mark") == "by the job"


def test_new_settings_are_foretold_and_restart_the_service(
    machine: Machine, ansible: Ansible, options: dict[str, Any]
) -> None:
    key, certificate = "/etc/ssl/private/playhook.pem", "/etc/ssl/certs/playhook.pem"
    request = ["-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=playhook.example.com", "-days", "2"]
    machine.run("openssl", "req", *request, "-keyout", key, "-out", certificate)
    machine.run("chmod", "600", key)
    options |= {
        "webhook_receiver_host": "0.0.0.0",
        "webhook_receiver_port": 443,
        "webhook_receiver_tls_certificate": certificate,
        "webhook_receiver_tls_private_key": key,
        "webhook_receiver_workers": 2,
        "webhook_receiver_job_timeout": 300,
        "webhook_receiver_environment": {"PLAYHOOK_JOB_TIMEOUT": "600", "HTTPS_PROXY": "http://proxy.example.com:3128"},
    }
    before = main_pid(machine)
    foretold = ansible.play(DEPLOY, "--check", variables=options)
    assert main_pid(machine) == before
    done = ansible.play(DEPLOY, variables=options)
    assert (foretold.changed, done.changed) == (3, 3)  # the environment file, the unit and the restart
    assert main_pid(machine) != before


def test_settings_reach_the_service(machine: Machine) -> None:
    environment = machine.run("cat", f"/proc/{main_pid(machine)}/environ").split("\0")
    # What is given directly goes before the role's own option.
    expected = {"PLAYHOOK_WORKERS=2", "PLAYHOOK_JOB_TIMEOUT=600", "HTTPS_PROXY=http://proxy.example.com:3128"}
    assert expected <= set(environment)
    assert "PLAYHOOK_JOB_TIMEOUT=300" not in environment


def test_tls_on_a_privileged_port_with_a_key_for_root_alone(machine: Machine) -> None:
    assert get(machine, "https://127.0.0.1/api/v2/ping/")[0] == 200
    assert machine.run("runuser", "-u", "playhook", "--", "cat", "/etc/ssl/private/playhook.pem", check=False) == ""
    status = machine.run("cat", f"/proc/{main_pid(machine)}/status")
    assert "\nCapEff:\t0000000000000400\n" in status  # CAP_NET_BIND_SERVICE and nothing else


def test_an_upgrade_replaces_the_release_and_keeps_the_data(
    machine: Machine,
    make_ansible: Callable[[Path], Ansible],
    collections_path: Path,
    options: dict[str, Any],
    planted: Planted,
    tmp_path: Path,
) -> None:
    shutil.copytree(collections_path, tmp_path / "newer")
    package = tmp_path / "newer/ansible_collections/playhook/webhooks/receiver/src/playhook/__init__.py"
    package.write_text(re.sub(r'__version__ = ".*"', '__version__ = "0.1.1"', package.read_text()))
    old = machine.run("ls", "/opt/playhook").split()
    newer = make_ansible(tmp_path / "newer")
    newer.play(DEPLOY, variables=options)
    new = machine.run("ls", "/opt/playhook").split()
    assert len(new) == 1
    assert new != old
    assert "0.1.1" in machine.run("/usr/local/bin/playhook", "--version")
    assert get(machine, "https://127.0.0.1/api/v2/me/", "--user", f"admin:{planted.admin_password}")[0] == 200


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"webhook_receiver_tls_private_key": ""}, "are only of use together"),
        ({"webhook_receiver_environment": {"A": "one\nPLAYHOOK_HOME=/tmp"}}, "holds a line break"),
        ({"webhook_receiver_state": "gone"}, "value of webhook_receiver_state must be one of: present, absent"),
        ({"webhook_receiver_port": "http"}, "webhook_receiver_port"),
        ({"webhook_receiver_python": "/usr/bin/python2"}, "/usr/bin/python2"),
    ],
)
def test_wrong_options_are_refused_before_anything_changes(
    ansible: Ansible, options: dict[str, Any], wrong: dict[str, Any], message: str
) -> None:
    refused = ansible.play(DEPLOY, variables=options | wrong, fails=True)
    assert refused.changed == 0
    assert message in refused.output


def test_a_receiver_that_does_not_start_fails_the_play_with_its_journal(
    machine: Machine, ansible: Ansible, options: dict[str, Any]
) -> None:
    wrong = {"webhook_receiver_environment": {"PLAYHOOK_WORKERS": "many"}, "webhook_receiver_start_timeout": 5}
    output = ansible.play(DEPLOY, variables=options | wrong, fails=True).output
    assert "The receiver does not answer https://127.0.0.1:443/api/v2/ping/" in output
    assert "PLAYHOOK_WORKERS: Input should be a valid integer" in output


def test_absent_removes_all_but_the_data(machine: Machine, ansible: Ansible, options: dict[str, Any]) -> None:
    absent = options | {"webhook_receiver_state": "absent"}
    ansible.play(DEPLOY, variables=absent)
    assert properties(machine, "ActiveState", "LoadState") == {"ActiveState": "inactive", "LoadState": "not-found"}
    gone = ["/opt/playhook", "/etc/playhook", UNIT, "/usr/local/bin/playhook"]
    assert machine.run("ls", "-d", *gone, check=False) == ""
    assert "playhook.sqlite3" in machine.run("ls", "/var/lib/playhook")
    assert ansible.play(DEPLOY, variables=absent).changed == 0
