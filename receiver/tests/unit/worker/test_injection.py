# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What jobs get of the managed types: the variables and files that AWX's jobs get."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from playhook.domain.injectors import complain_of_injectors
from playhook.store.credentials import secret_fields
from playhook.store.job_inputs import Credential
from playhook.store.managed_types import MANAGED_TYPES
from playhook.worker.injection import Injection, inject_credentials

TYPES = {each.namespace: each for each in MANAGED_TYPES}
KEY = "-----BEGIN PRIVATE KEY-----\nABC\n-----END PRIVATE KEY-----"


def given(directory: Path, namespace: str, **inputs: Any) -> Injection:
    kind = TYPES[namespace]
    credential = Credential(
        id=7, name="mine", kind=kind.kind, namespace=namespace, inputs=inputs,
        secrets=frozenset(secret_fields(kind.inputs)), fields=kind.fields, injectors=kind.injectors, managed=True,
    )  # fmt: skip
    return inject_credentials(directory, [credential])


@pytest.mark.parametrize(
    ("namespace", "inputs", "environment"),
    [
        ("aws", {"username": "AK", "password": "SK"}, {"AWS_ACCESS_KEY_ID": "AK", "AWS_SECRET_ACCESS_KEY": "SK"}),
        (
            "aws",
            {"username": "AK", "password": "SK", "security_token": "ST"},
            {"AWS_ACCESS_KEY_ID": "AK", "AWS_SECRET_ACCESS_KEY": "SK", "AWS_SECURITY_TOKEN": "ST",
             "AWS_SESSION_TOKEN": "ST"},
        ),
        (
            "azure_rm",
            {"subscription": "S", "client": "C", "tenant": "T", "secret": "X", "username": "u", "password": "p"},
            {"AZURE_SUBSCRIPTION_ID": "S", "AZURE_CLIENT_ID": "C", "AZURE_TENANT": "T", "AZURE_SECRET": "X"},
        ),
        (
            "azure_rm",
            {"subscription": "S", "username": "u", "password": "p", "cloud_environment": "E"},
            {"AZURE_SUBSCRIPTION_ID": "S", "AZURE_AD_USER": "u", "AZURE_PASSWORD": "p", "AZURE_CLOUD_ENVIRONMENT": "E"},
        ),
        (
            "vmware",
            {"host": "h", "username": "u", "password": "p"},
            {"VMWARE_HOST": "h", "VMWARE_USER": "u", "VMWARE_PASSWORD": "p"},
        ),
        ("satellite6", {"host": "h", "username": "u", "password": "p"}, {}),
        (
            "net",
            {"username": "u", "authorize": True, "authorize_password": "p"},
            {"ANSIBLE_NET_USERNAME": "u", "ANSIBLE_NET_AUTHORIZE": "1", "ANSIBLE_NET_AUTH_PASS": "p"},
        ),
        (
            "controller",
            {"host": "h", "oauth_token": "t"},
            {"TOWER_HOST": "h", "TOWER_OAUTH_TOKEN": "t", "TOWER_VERIFY_SSL": "False", "CONTROLLER_HOST": "h",
             "CONTROLLER_OAUTH_TOKEN": "t", "CONTROLLER_VERIFY_SSL": "False"},
        ),
        (
            "kubernetes_bearer_token",
            {"host": "h", "bearer_token": "t"},
            {"K8S_AUTH_HOST": "h", "K8S_AUTH_API_KEY": "t", "K8S_AUTH_VERIFY_SSL": "True"},
        ),
    ],
)  # fmt: skip
def test_variables(tmp_path: Path, namespace: str, inputs: dict[str, Any], environment: dict[str, str]) -> None:
    assert given(tmp_path, namespace, **inputs).environment == environment


@pytest.mark.parametrize(
    ("namespace", "inputs", "variable", "content"),
    [
        (
            "gce",
            {"username": "me@example.com", "project": "p-1", "ssh_key_data": KEY},
            "GCP_SERVICE_ACCOUNT_FILE",
            {"type": "service_account", "private_key": KEY + "\n", "client_email": "me@example.com",
             "project_id": "p-1", "token_uri": "https://oauth2.googleapis.com/token"},
        ),
        (
            "openstack",
            {"host": "https://o/", "username": "u", "password": 'p"\\', "project": "p", "region": "r"},
            "OS_CLIENT_CONFIG_FILE",
            {"clouds": {"devstack": {"auth": {"auth_url": "https://o/", "username": "u", "password": 'p"\\',
                                              "project_name": "p"}, "verify": True, "region_name": "r"}}},
        ),
        (
            "openstack",
            {"project_domain_name": "pd", "domain": "d", "verify_ssl": False},
            "OS_CLIENT_CONFIG_FILE",
            {"clouds": {"devstack": {"auth": {"auth_url": "", "username": "", "password": "", "project_name": "",
                                              "project_domain_name": "pd", "domain_name": "d"}, "verify": False}}},
        ),
    ],
)  # fmt: skip
def test_files_that_programs_parse(
    tmp_path: Path, namespace: str, inputs: dict[str, Any], variable: str, content: Any
) -> None:
    file = Path(given(tmp_path, namespace, **inputs).environment[variable])

    assert json.loads(file.read_text()) == content
    assert (stat.S_IMODE(file.stat().st_mode), file.parent) == (0o600, tmp_path)


@pytest.mark.parametrize(
    ("namespace", "inputs", "variable", "content"),
    [
        ("rhv", {"host": "h", "username": "u", "password": "p", "ca_file": "/ca"}, "OVIRT_INI_PATH",
         "[ovirt]\novirt_url=h\novirt_username=u\novirt_password=p\novirt_ca_file=/ca"),
        ("net", {"username": "u", "ssh_key_data": KEY}, "ANSIBLE_NET_SSH_KEYFILE", KEY + "\n"),
        ("kubernetes_bearer_token", {"host": "h", "bearer_token": "t", "ssl_ca_cert": "CERT"}, "K8S_AUTH_SSL_CA_CERT",
         "CERT"),
    ],
)  # fmt: skip
def test_files_that_are_text(
    tmp_path: Path, namespace: str, inputs: dict[str, Any], variable: str, content: str
) -> None:
    assert Path(given(tmp_path, namespace, **inputs).environment[variable]).read_text() == content


def test_variables_that_are_made_of_a_secret_are_secret_whole(tmp_path: Path) -> None:
    fields = [{"id": "user", "label": "User"}, {"id": "pin", "label": "PIN", "secret": True}]
    injectors = {
        "env": {"WHO": "{{ user }}", "ODD": "{{ pin | reverse }}", "URL": "x://{{ user }}:{{ pin }}@host"},
        "extra_vars": {"shout": ["{{ pin | upper }}"], "who": "{{ user }}"},
    }
    credential = Credential(
        id=7, name="mine", kind="cloud", namespace="", inputs={"user": "ann", "pin": "abc"},
        secrets=frozenset({"pin"}), fields=fields, injectors=injectors,
    )  # fmt: skip

    injection = inject_credentials(tmp_path, [credential])

    assert injection.secret_names == {"ODD", "URL"}
    assert injection.secrets == {"cba", "x://ann:abc@host", "ABC"}


@pytest.mark.parametrize("namespace", sorted(TYPES))
def test_the_injectors_of_managed_types_are_right(namespace: str) -> None:
    kind = TYPES[namespace]
    fields = {each["id"]: each for each in kind.fields}
    wrong = complain_of_injectors(fields, kind.injectors)
    assert [each for each in wrong if "may affect Ansible" not in each] == []
