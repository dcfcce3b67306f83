# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write a line of JSON for each task: its name, its module, and what became of it."""

from __future__ import annotations

import json
import os
from pathlib import Path

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: tasks_as_json
type: notification
short_description: a line of JSON for each task
description: [Appends to the file that TASKS_AS_JSON names.]
"""


class CallbackModule(CallbackBase):
    """See the module's docstring."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "tasks_as_json"

    def _write(self, result, status):
        task = result.task if hasattr(result, "task") else result._task
        returned = result.result if hasattr(result, "result") else result._result
        line = {
            "name": task.get_name(),
            "module": task.action,
            "status": status,
            "changed": bool(returned.get("changed")),
            "message": str(returned.get("msg", ""))[:2000],
        }
        with Path(os.environ["TASKS_AS_JSON"]).open("a") as file:
            file.write(json.dumps(line) + "\n")

    def v2_runner_on_ok(self, result):
        self._write(result, "ok")

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self._write(result, "ignored" if ignore_errors else "failed")

    def v2_runner_on_unreachable(self, result):
        self._write(result, "unreachable")
