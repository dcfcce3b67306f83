# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How git reaches a repository: an address without a password, and an environment that answers for a person.

Secrets go by files that only this user may read, for as long as git runs; never by arguments, URLs or the environment.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote, urlsplit

from playhook.errors import JobCannotRun
from playhook.store.job_inputs import ProjectRow
from playhook.worker.environment import platform_environment
from playhook.worker.private_dir import write_private
from playhook.worker.ssh_keys import unlock_key

# No "ext::" or other helpers, no plain paths that could be options (SECURITY S16).
_PROTOCOLS: Final = ("https", "http", "ssh", "git", "file")
_SCP_LIKE: Final = re.compile(r"\w[\w.-]*@\w[\w.-]*:[^:\s-][^\s]*")
_ASKPASS: Final = """#!/bin/sh
# Answers git for the project's own host and for no other.
case "$1" in
  Username*"'"{origin}"'"*) cat {username} ;;
  Password*"'"{origin}"'"* | Password*"@"{host}"'"*) cat {password} ;;
  *) exit 1 ;;
esac
"""


@dataclass(frozen=True, kw_only=True)
class ScmAccess:
    """The repository's address and the environment to run git in."""

    url: str
    environment: dict[str, str]


def open_scm_access(project: ProjectRow, private: Path, known_hosts: Path) -> ScmAccess:
    """Write what git needs below `private`, an existing private directory. Raises JobCannotRun."""
    url, username, password = _split_url(project)
    if (credential := project.credential) is not None:
        username, password = credential.text("username") or username, credential.text("password") or password
    home = private / "home"
    home.mkdir(mode=0o700)
    environment = {
        **platform_environment(),
        "HOME": str(home),
        "GIT_ALLOW_PROTOCOL": ":".join(_PROTOCOLS),
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "/bin/false",
        "SSH_ASKPASS": "/bin/false",
        "GIT_SSH_COMMAND": shlex.join(_ssh_command(project, private, known_hosts)),
        "GIT_HTTP_LOW_SPEED_LIMIT": "100",
        "GIT_HTTP_LOW_SPEED_TIME": "60",
    }
    if password and url.startswith(("http://", "https://")):
        environment["GIT_ASKPASS"] = str(_write_askpass(private, url, username or "git", password))
    return ScmAccess(url=url, environment=environment)


def _split_url(project: ProjectRow) -> tuple[str, str, str]:
    """Check the address and take a password out of it."""
    url = project.scm_url.strip()
    if url.startswith("/") or _SCP_LIKE.fullmatch(url):
        return url, "", ""
    parts = urlsplit(url)
    if parts.scheme not in _PROTOCOLS or "://" not in url or any(each in url for each in " \t\n\r\0"):
        raise JobCannotRun(
            f'the repository of project "{project.name}" must be https://…, ssh://…, git@host:path, git://…, file:///… '
            "or an absolute path"
        )
    username, password = unquote(parts.username or ""), unquote(parts.password or "")
    if not password:
        return url, username, ""
    host = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=f"{quote(username)}@{host}" if username else host).geturl(), username, password


def _write_askpass(private: Path, url: str, username: str, password: str) -> Path:
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    files = {
        name: shlex.quote(str(write_private(private / name, f"{text}\n".encode())))
        for name, text in (("username", username), ("password", password))
    }
    script = _ASKPASS.format(origin=shlex.quote(f"{parts.scheme}://{host}"), host=shlex.quote(host), **files)
    return write_private(private / "askpass", script.encode(), mode=0o700)


def _ssh_command(project: ProjectRow, private: Path, known_hosts: Path) -> list[str]:
    options = {
        "BatchMode": "yes",
        "StrictHostKeyChecking": "accept-new",  # the first key is believed, a changed one refused
        "UserKnownHostsFile": str(known_hosts),
        "ServerAliveInterval": "15",
        "ConnectTimeout": "30",
    }
    credential = project.credential
    if credential is not None and (key := credential.text("ssh_key_data")):
        unlocked = unlock_key(key, credential.text("ssh_key_unlock"), credential.name)
        options |= {"IdentitiesOnly": "yes", "IdentityFile": str(write_private(private / "key", unlocked.encode()))}
        if (user := credential.text("username")) and "@" not in project.scm_url:
            options["User"] = user
    return ["ssh", *(part for name, value in options.items() for part in ("-o", f"{name}={value}"))]
