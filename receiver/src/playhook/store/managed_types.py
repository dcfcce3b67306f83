# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The managed credential types: AWX's names, namespaces and inputs, so that playbooks written for AWX find them.

`api_url` of the token types is ours: it pins where statuses are posted to (SECURITY S1).
"""

from __future__ import annotations

from typing import Final

from playhook.store.cloud_types import CLOUD_TYPES
from playhook.store.type_declarations import ManagedType, input_field, private_key, secret_field


def _token_type(name: str, namespace: str, where: str, api_url: str, *, hosted: bool = True) -> ManagedType:
    otherwise = "Leave it empty for the public service." if hosted else "Without it nothing is posted."
    return ManagedType(
        name=name,
        kind="token",
        namespace=namespace,
        fields=(
            secret_field("token", "Token", f"This token needs to come from your {where}"),
            input_field("api_url", "API URL", f"Where statuses are posted to, as in {api_url}. {otherwise}",
                        format="url"),
        ),
        required=("token",),
    )  # fmt: skip


_USERNAME: Final = input_field("username", "Username")
_UNLOCK: Final = secret_field("ssh_key_unlock", "Private Key Passphrase")
_BECOME_HELP: Final = (
    'Specify a method for "become" operations. This is equivalent to specifying the --become-method Ansible parameter.'
)
_VAULT_HELP: Final = (
    "Specify an (optional) Vault ID. This is equivalent to specifying the --vault-id Ansible parameter for providing "
    "multiple Vault passwords.  Note: this feature only works in Ansible 2.4+."
)


MANAGED_TYPES: Final[tuple[ManagedType, ...]] = (
    ManagedType(
        name="Machine",
        kind="ssh",
        namespace="ssh",
        fields=(
            _USERNAME,
            secret_field("password", "Password", ask_at_runtime=True),
            private_key("SSH Private Key"),
            secret_field("ssh_public_key_data", "Signed SSH Certificate", multiline=True),
            {**_UNLOCK, "ask_at_runtime": True},
            input_field("become_method", "Privilege Escalation Method", _BECOME_HELP),
            input_field("become_username", "Privilege Escalation Username"),
            secret_field("become_password", "Privilege Escalation Password", ask_at_runtime=True),
        ),
    ),
    ManagedType(
        name="Source Control",
        kind="scm",
        namespace="scm",
        fields=(_USERNAME, secret_field("password", "Password"), private_key("SCM Private Key"), _UNLOCK),
    ),
    ManagedType(
        name="Vault",
        kind="vault",
        namespace="vault",
        fields=(
            secret_field("vault_password", "Vault Password", ask_at_runtime=True),
            input_field("vault_id", "Vault Identifier", _VAULT_HELP, format="vault_id"),
        ),
        required=("vault_password",),
    ),
    _token_type(
        "GitHub Personal Access Token", "github_token", "profile settings in GitHub", "https://github.example.com/api/v3"
    ),
    _token_type(
        "GitLab Personal Access Token", "gitlab_token", "profile settings in GitLab", "https://gitlab.example.com"
    ),
    _token_type(
        "Bitbucket Data Center HTTP Access Token",
        "bitbucket_dc_token",
        "user settings in Bitbucket",
        "https://bitbucket.example.com",
        hosted=False,
    ),
    ManagedType(
        name="Container Registry",
        kind="registry",
        namespace="registry",
        fields=(
            input_field(
                "host", "Authentication URL", "Authentication endpoint for the container registry.", default="quay.io"
            ),
            _USERNAME,
            secret_field("password", "Password or Token", "A password or token used to authenticate with"),
            {"id": "verify_ssl", "label": "Verify SSL", "type": "boolean", "default": True},
        ),
        required=("host",),
    ),
    ManagedType(
        name="Ansible Galaxy/Automation Hub API Token",
        kind="galaxy",
        namespace="galaxy_api_token",
        fields=(
            input_field("url", "Galaxy Server URL", "The URL of the Galaxy instance to connect to."),
            input_field("auth_url", "Auth Server URL",
                        "The URL of a Keycloak server token_endpoint, if using SSO auth."),
            secret_field("token", "API Token", "A token to use for authentication against the Galaxy instance."),
        ),
        required=("url",),
    ),
    # Ours, after AWX's, so that AWX's ids stay what they are in AWX.
    _token_type(
        "Bitbucket Cloud Access Token",
        "bitbucket_cloud_token",
        "repository settings in Bitbucket",
        "https://api.bitbucket.org/2.0",
    ),
    _token_type(
        "Gitea Access Token",
        "gitea_token",
        "user settings in Gitea, Forgejo or Gogs",
        "https://gitea.example.com",
        hosted=False,
    ),
    _token_type(
        "Azure DevOps Personal Access Token",
        "azure_devops_token",
        "user settings in Azure DevOps",
        "https://dev.azure.com/example",
        hosted=False,
    ),
    *CLOUD_TYPES,  # last: the ids of the others stay as they are in the guides
)  # fmt: skip
