# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a job is run with."""

from __future__ import annotations

from dataclasses import dataclass

from playhook.settings import Settings
from playhook.store.claims import Claim
from playhook.store.job_inputs import JobInputs
from playhook.store.store import Store
from playhook.worker.launcher import Launcher
from playhook.worker.stop import Stop


@dataclass(frozen=True, kw_only=True)
class Workshop:
    """What all jobs of this process share."""

    store: Store
    settings: Settings
    launcher: Launcher
    scope: str
    """What the marks of its jobs begin with: the installation's and the state directory's."""


@dataclass(frozen=True, kw_only=True)
class ClaimedJob:
    """One job in hand."""

    claim: Claim
    inputs: JobInputs
    stop: Stop
