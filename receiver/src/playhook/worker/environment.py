# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The environment that jobs get: a list of what may pass, so that nothing of the receiver's own does."""

from __future__ import annotations

import configparser
import os
import pwd
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from playhook.store.project_files import read_project_file
from playhook.worker import callback
from playhook.worker.private_dir import scratch_of

# What a program finds and reads before its first line runs.
LANGUAGE: Final = (
    "PATH", "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "LC_MESSAGES", "LC_COLLATE", "TZ", "LD_LIBRARY_PATH",
)  # fmt: skip
# Where certificates and proxies are, too.
_PLATFORM: Final = (
    *LANGUAGE,
    "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO",
    "http_proxy", "https_proxy", "no_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY",
    "PIP_INDEX_URL", "PIP_CERT",
)  # fmt: skip
# What an operator may set for every job; none of these can hold a secret. The documentation lists them.
ANSIBLE_SETTINGS: Final = (
    "ANSIBLE_CALLBACKS_ENABLED", "ANSIBLE_COLLECTIONS_PATH", "ANSIBLE_CONFIG", "ANSIBLE_DIFF_ALWAYS",
    "ANSIBLE_DISPLAY_SKIPPED_HOSTS", "ANSIBLE_FORCE_COLOR", "ANSIBLE_FORKS", "ANSIBLE_GALAXY_SERVER",
    "ANSIBLE_GATHERING", "ANSIBLE_GATHER_TIMEOUT", "ANSIBLE_HOST_KEY_CHECKING", "ANSIBLE_LOOKUP_PLUGINS",
    "ANSIBLE_FILTER_PLUGINS", "ANSIBLE_NOCOLOR", "ANSIBLE_PIPELINING", "ANSIBLE_PYTHON_INTERPRETER",
    "ANSIBLE_REMOTE_TMP", "ANSIBLE_ROLES_PATH", "ANSIBLE_SSH_ARGS", "ANSIBLE_SSH_COMMON_ARGS",
    "ANSIBLE_SSH_RETRIES", "ANSIBLE_STDOUT_CALLBACK", "ANSIBLE_STRATEGY", "ANSIBLE_TIMEOUT",
)  # fmt: skip
# What every job gets from us.
JOB_SETTINGS: Final = (
    "HOME", "TMPDIR", "PYTHONDONTWRITEBYTECODE", "ANSIBLE_LOCAL_TEMP", "ANSIBLE_SSH_CONTROL_PATH_DIR",
    "ANSIBLE_RETRY_FILES_ENABLED", "ANSIBLE_INVENTORY_UNPARSED_FAILED", "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED",
    "ANSIBLE_CALLBACK_PLUGINS",
)  # fmt: skip
_COLLECTIONS: Final = ("~/.ansible/collections", "/usr/share/ansible/collections")
_ASYNC_DIR: Final = ".ansible_async"
_ROLES: Final = ("~/.ansible/roles", "/usr/share/ansible/roles", "/etc/ansible/roles")


def platform_environment(outer: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return what every command gets. Programs beside this Python come first: ansible is installed with us."""
    environment = {name: outer[name] for name in _PLATFORM if name in outer}
    search = [str(Path(sys.executable).parent), environment.get("PATH", os.defpath)]
    return environment | {"PATH": os.pathsep.join(search)}


def ansible_settings(outer: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the settings that the operator made for every job."""
    return {name: outer[name] for name in ANSIBLE_SETTINGS if name in outer}


def job_environment(
    private: Path, project: Path, requirements: Path | None = None, outer: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """Return the whole environment of a job; home and temporary directory are its own.

    Roles and collections are looked for where the project's ansible.cfg says, then where its requirements were
    installed, then where the user who runs the receiver has installed them.
    """
    home, scratch = private / "home", scratch_of(private)
    home.mkdir(mode=0o700)
    _share_async_dir(home)
    return {
        **platform_environment(outer),
        # AWX's own choices for its jobs
        "ANSIBLE_FORCE_COLOR": "False" if "ANSIBLE_NOCOLOR" in outer else "True",
        "ANSIBLE_HOST_KEY_CHECKING": "False",
        "ANSIBLE_INVENTORY_UNPARSED_FAILED": "True",
        "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "True",
        "ANSIBLE_COLLECTIONS_PATH": _search_path(
            project, "collections_path", requirements, "collections", _COLLECTIONS
        ),
        "ANSIBLE_ROLES_PATH": _search_path(project, "roles_path", requirements, "roles", _ROLES),
        **ansible_settings(outer),
        "HOME": str(home),
        "TMPDIR": str(scratch),
        "ANSIBLE_CALLBACK_PLUGINS": callback.DIRECTORY,  # ansible-runner appends its own
        "ANSIBLE_LOCAL_TEMP": str(scratch / "ansible"),
        "ANSIBLE_SSH_CONTROL_PATH_DIR": str(scratch / "cp"),
        "ANSIBLE_RETRY_FILES_ENABLED": "False",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _share_async_dir(home: Path) -> None:
    """Have tasks that run in the background here be found again.

    They write where HOME says. Ansible looks for that where the account's entry says, and knows no setting which would
    change that for this machine and leave it for others.
    """
    with suppress(OSError, KeyError):  # where the account has no home, they fail with Ansible's own words
        of_account = Path(pwd.getpwuid(os.geteuid()).pw_dir) / _ASYNC_DIR
        of_account.mkdir(mode=0o700, exist_ok=True)
        of_account.chmod(0o700)  # Ansible's own is not: others could read what jobs write there
        (home / _ASYNC_DIR).symlink_to(of_account)


def _search_path(project: Path, setting: str, requirements: Path | None, folder: str, standard: tuple[str, ...]) -> str:
    own = [str(project / each) for each in _configured(project, setting)]
    installed = [] if requirements is None else [str(requirements / folder)]
    return os.pathsep.join(
        [*own, str(project / folder), *installed, *(str(Path(each).expanduser()) for each in standard)]
    )


def _configured(project: Path, setting: str) -> list[str]:
    """Read a search path from the project's ansible.cfg: the variable that we set would hide it."""
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(read_project_file(project, project / "ansible.cfg").decode())
    except (configparser.Error, UnicodeDecodeError):
        return []  # ansible-playbook reads it too, and says what is wrong
    value = parser.get("defaults", setting, fallback="")
    return [os.path.expanduser(each) for each in value.split(os.pathsep) if each]  # noqa: PTH111
