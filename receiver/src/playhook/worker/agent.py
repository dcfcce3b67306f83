# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ssh-agent of a job that is not executed: what ansible-runner's wrapping command does for one that is."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Agent:
    """`key` is the pipe that holds the job's key, None when the job has none."""

    socket: str
    key: str | None = None

    def start(self) -> None:
        """Start the agent in the background, give it the key and tell the environment; it ends with the job."""
        if self.key is None:
            return
        started = subprocess.run(
            ["ssh-agent", "-s", "-a", self.socket], check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL
        )
        os.environ["SSH_AUTH_SOCK"] = self.socket
        if pid := re.search(r"SSH_AGENT_PID=(\d+)", started.stdout):
            os.environ["SSH_AGENT_PID"] = pid[1]
        added = subprocess.run(["ssh-add", self.key], check=False)
        Path(self.key).unlink(missing_ok=True)
        if added.returncode != 0:
            raise SystemExit(added.returncode)
