# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether warm start works where the receiver is installed; `playhook check` asks."""

from __future__ import annotations

import tempfile
from pathlib import Path

from playhook.settings import Settings
from playhook.worker.environment import job_environment
from playhook.worker.request import RunRequest
from playhook.worker.warm_servers import WarmServers, why_never


def try_warm_start(settings: Settings) -> str:
    """Have Ansible imported as for a job without an ansible.cfg, and say in a few words what came of it."""
    if reason := why_never(settings):
        return f"off, because {reason}"
    with tempfile.TemporaryDirectory(prefix="playhook-check-") as name:
        private = Path(name)
        project = private / "project"
        project.mkdir()
        servers = WarmServers(private)
        try:
            reason = servers.wait_for(
                RunRequest(
                    mark="check",
                    private_dir=name,
                    project_dir=str(project),
                    playbook="",
                    inventory=[],
                    options=[],
                    environment=job_environment(private, project),
                )
            )
        finally:
            servers.close(timeout=10.0)
    return "works" if reason is None else f"does not work here, jobs start cold: {reason}"
