# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The managed credential types of clouds, networks and clusters: AWX's names and inputs, and the variables that AWX's
jobs get of them (`awx/main/models/credential/injectors.py`).

AWX has no injectors for most of them but code; here all are templates. An empty variable is not set.
"""

from __future__ import annotations

from typing import Final

from playhook.store.type_declarations import ManagedType, input_field, private_key, secret_field

_USERNAME: Final = input_field("username", "Username")
_PASSWORD: Final = secret_field("password", "Password")
_VERIFY: Final = {"id": "verify_ssl", "label": "Verify SSL", "type": "boolean", "default": True}
_GCE_KEY: Final = (
    '{"type": "service_account", "private_key": {{ ssh_key_data | default("") | tojson }}, '
    '"client_email": {{ username | default("") | tojson }}, "project_id": {{ project | default("") | tojson }}, '
    '"token_uri": "https://oauth2.googleapis.com/token"}'
)
_OPENSTACK: Final = (
    '{"clouds": {"devstack": {"auth": {"auth_url": {{ host | default("") | tojson }}, '
    '"username": {{ username | default("") | tojson }}, "password": {{ password | default("") | tojson }}, '
    '"project_name": {{ project | default("") | tojson }}'
    '{% if project_domain_name %}, "project_domain_name": {{ project_domain_name | tojson }}{% endif %}'
    '{% if domain %}, "domain_name": {{ domain | tojson }}{% endif %}}, "verify": {{ verify_ssl | tojson }}'
    '{% if region %}, "region_name": {{ region | tojson }}{% endif %}}}}'
)
_OVIRT: Final = (
    "[ovirt]\novirt_url={{host}}\novirt_username={{username}}\novirt_password={{password}}\n"
    "{% if ca_file %}ovirt_ca_file={{ca_file}}{% endif %}"
)
_BY_CLIENT: Final = "{% if client and tenant %}{{ SAYS }}{% endif %}"
_BY_USER: Final = "{% if not (client and tenant) %}{{ SAYS }}{% endif %}"

CLOUD_TYPES: Final[tuple[ManagedType, ...]] = (
    ManagedType(
        name="Network",
        kind="net",
        namespace="net",
        fields=(
            _USERNAME,
            _PASSWORD,
            private_key("SSH Private Key"),
            secret_field("ssh_key_unlock", "Private Key Passphrase"),
            {"id": "authorize", "label": "Authorize", "type": "boolean"},
            secret_field("authorize_password", "Authorize Password"),
        ),
        required=("username",),
        injectors={
            "file": {"template.key": "{{ ssh_key_data }}"},
            "env": {
                "ANSIBLE_NET_USERNAME": "{{ username }}",
                "ANSIBLE_NET_PASSWORD": "{{ password }}",
                "ANSIBLE_NET_SSH_KEYFILE": "{% if ssh_key_data %}{{ tower.filename.key }}{% endif %}",
                "ANSIBLE_NET_AUTHORIZE": "{{ authorize | int }}",
                "ANSIBLE_NET_AUTH_PASS": "{% if authorize %}{{ authorize_password }}{% endif %}",
            },
        },
    ),
    ManagedType(
        name="Amazon Web Services",
        kind="cloud",
        namespace="aws",
        fields=(
            input_field("username", "Access Key"),
            secret_field("password", "Secret Key"),
            secret_field("security_token", "STS Token",
                         "Security Token Service (STS) is a web service that enables you to request temporary, "
                         "limited-privilege credentials for AWS Identity and Access Management (IAM) users."),
        ),
        required=("username", "password"),
        injectors={
            "env": {
                "AWS_ACCESS_KEY_ID": "{{ username }}",
                "AWS_SECRET_ACCESS_KEY": "{{ password }}",
                "AWS_SECURITY_TOKEN": "{{ security_token }}",
                "AWS_SESSION_TOKEN": "{{ security_token }}",
            },
        },
    ),
    ManagedType(
        name="OpenStack",
        kind="cloud",
        namespace="openstack",
        fields=(
            _USERNAME,
            secret_field("password", "Password (API Key)"),
            input_field("host", "Host (Authentication URL)",
                        "The host to authenticate with.  For example, https://openstack.business.com/v2.0/"),
            input_field("project", "Project (Tenant Name)"),
            input_field("project_domain_name", "Project (Domain Name)"),
            input_field("domain", "Domain Name",
                        "OpenStack domains define administrative boundaries. It is only needed for Keystone v3 "
                        "authentication URLs. Refer to the documentation for common scenarios."),
            input_field("region", "Region Name",
                        "For some cloud providers, like OVH, region must be specified"),
            _VERIFY,
        ),
        required=("username", "password", "host", "project"),
        injectors={"file": {"template": _OPENSTACK}, "env": {"OS_CLIENT_CONFIG_FILE": "{{ tower.filename }}"}},
    ),
    ManagedType(
        name="VMware vCenter",
        kind="cloud",
        namespace="vmware",
        fields=(
            input_field("host", "VCenter Host",
                        "Enter the hostname or IP address that corresponds to your VMware vCenter."),
            _USERNAME,
            _PASSWORD,
        ),
        required=("host", "username", "password"),
        injectors={
            "env": {
                "VMWARE_HOST": "{{ host }}", "VMWARE_USER": "{{ username }}", "VMWARE_PASSWORD": "{{ password }}",
            },
        },
    ),
    ManagedType(
        name="Red Hat Satellite 6",
        kind="cloud",
        namespace="satellite6",
        fields=(
            input_field("host", "Satellite 6 URL",
                        "Enter the URL that corresponds to your Red Hat Satellite 6 server. For example, "
                        "https://satellite.example.org"),
            _USERNAME,
            _PASSWORD,
        ),
        required=("host", "username", "password"),
    ),
    ManagedType(
        name="Google Compute Engine",
        kind="cloud",
        namespace="gce",
        fields=(
            input_field("username", "Service Account Email Address",
                        "The email address assigned to the Google Compute Engine service account."),
            input_field("project", "Project",
                        "The Project ID is the GCE assigned identification. It is often constructed as three words or "
                        "two words followed by a three-digit number. Examples: project-id-000 and another-project-id"),
            private_key("RSA Private Key",
                        "Paste the contents of the PEM file associated with the service account email."),
        ),
        required=("username", "ssh_key_data"),
        injectors={
            "file": {"template": _GCE_KEY},
            "env": {
                "GCE_EMAIL": "{{ username }}",
                "GCE_PROJECT": "{{ project }}",
                "GCE_CREDENTIALS_FILE_PATH": "{{ tower.filename }}",
                "GCP_SERVICE_ACCOUNT_FILE": "{{ tower.filename }}",
                "GCP_AUTH_KIND": "serviceaccount",
                "GCP_PROJECT": "{{ project }}",
                "GCP_ENV_TYPE": "tower",
            },
        },
    ),
    ManagedType(
        name="Microsoft Azure Resource Manager",
        kind="cloud",
        namespace="azure_rm",
        fields=(
            input_field("subscription", "Subscription ID",
                        "Subscription ID is an Azure construct, which is mapped to a username."),
            _USERNAME,
            _PASSWORD,
            input_field("client", "Client ID"),
            secret_field("secret", "Client Secret"),
            input_field("tenant", "Tenant ID"),
            input_field("cloud_environment", "Azure Cloud Environment",
                        "Environment variable AZURE_CLOUD_ENVIRONMENT when using Azure GovCloud or Azure stack."),
        ),
        required=("subscription",),
        injectors={
            "env": {
                "AZURE_SUBSCRIPTION_ID": "{{ subscription }}",
                "AZURE_CLIENT_ID": _BY_CLIENT.replace("SAYS", "client"),
                "AZURE_TENANT": _BY_CLIENT.replace("SAYS", "tenant"),
                "AZURE_SECRET": _BY_CLIENT.replace("SAYS", "secret"),
                "AZURE_AD_USER": _BY_USER.replace("SAYS", "username"),
                "AZURE_PASSWORD": _BY_USER.replace("SAYS", "password"),
                "AZURE_CLOUD_ENVIRONMENT": "{{ cloud_environment }}",
            },
        },
    ),
    ManagedType(
        name="Red Hat Virtualization",
        kind="cloud",
        namespace="rhv",
        fields=(
            input_field("host", "Host (Authentication URL)", "The host to authenticate with."),
            _USERNAME,
            _PASSWORD,
            input_field("ca_file", "CA File", "Absolute file path to the CA file to use (optional)"),
        ),
        required=("host", "username", "password"),
        injectors={
            "file": {"template": _OVIRT},
            "env": {
                "OVIRT_INI_PATH": "{{ tower.filename }}", "OVIRT_URL": "{{ host }}",
                "OVIRT_USERNAME": "{{ username }}", "OVIRT_PASSWORD": "{{ password }}",
            },
        },
    ),
    ManagedType(
        name="Red Hat Ansible Automation Platform",
        kind="cloud",
        namespace="controller",
        fields=(
            input_field("host", "Red Hat Ansible Automation Platform",
                        "Red Hat Ansible Automation Platform base URL to authenticate with."),
            input_field("username", "Username",
                        "Red Hat Ansible Automation Platform username id to authenticate as.This should not be set if "
                        "an OAuth token is being used."),
            _PASSWORD,
            secret_field("oauth_token", "OAuth Token",
                         "An OAuth token to use to authenticate with.This should not be set if username/password are "
                         "being used."),
            {"id": "verify_ssl", "label": "Verify SSL", "type": "boolean", "secret": False},
        ),
        required=("host",),
        injectors={
            "env": {
                f"{prefix}_{name}": f"{{{{ {field} }}}}"
                for prefix in ("TOWER", "CONTROLLER")
                for name, field in (("HOST", "host"), ("USERNAME", "username"), ("PASSWORD", "password"),
                                    ("VERIFY_SSL", "verify_ssl"), ("OAUTH_TOKEN", "oauth_token"))
            },
        },
    ),
    ManagedType(
        name="OpenShift or Kubernetes API Bearer Token",
        kind="kubernetes",
        namespace="kubernetes_bearer_token",
        fields=(
            input_field("host", "OpenShift or Kubernetes API Endpoint",
                        "The OpenShift or Kubernetes API Endpoint to authenticate with."),
            secret_field("bearer_token", "API authentication bearer token"),
            _VERIFY,
            secret_field("ssl_ca_cert", "Certificate Authority data", multiline=True),
        ),
        required=("host", "bearer_token"),
        injectors={
            "file": {"template": "{{ ssl_ca_cert }}"},
            "env": {
                "K8S_AUTH_HOST": "{{ host }}",
                "K8S_AUTH_API_KEY": "{{ bearer_token }}",
                "K8S_AUTH_VERIFY_SSL": "{{ verify_ssl }}",
                "K8S_AUTH_SSL_CA_CERT": "{% if verify_ssl and ssl_ca_cert %}{{ tower.filename }}{% endif %}",
            },
        },
    ),
)  # fmt: skip
