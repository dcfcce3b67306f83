# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Strict fakes of the services, for tests and the demo: real HTTP on loopback, and refusals like the real ones'.

In a test: `with GitHubFake(repositories=["acorn-works/orchard"]) as fake: … fake.deliver(…), fake.statuses`.
From another process: `python -m tests.fakes.github --port 0 --token T --repository owner/name`, run in `receiver/`,
prints `{"url": …}` as its first line and serves until SIGTERM; it is steered at `/_fake/…`.
"""

from __future__ import annotations
