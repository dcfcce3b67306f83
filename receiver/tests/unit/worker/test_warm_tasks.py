# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task's processes need is made before they are forked, for this version of ansible-core."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

# In a process of its own: importing Ansible changes the process.
SCRIPT = """
import importlib, json
from types import SimpleNamespace
import ansible.executor.process.worker as worker
from ansible.template import Templar, trust_as_template
try:
    bits = importlib.import_module("ansible._internal._templating._jinja_bits")
except ImportError:
    raise SystemExit("this ansible-core has other templates")
from playhook.worker.warm_tasks import prepare_tasks

started, generated = [], []
worker.WorkerProcess.start = lambda self: started.append(self._task._uuid)
generate = bits.AnsibleEnvironment._generate
bits.AnsibleEnvironment._generate = lambda self, *rest, **more: generated.append(1) or generate(self, *rest, **more)
prepare_tasks()

texts = [trust_as_template("{{ 1 + 1 }}"), trust_as_template(r"{{ '\\1' }}{# of a task #}")]
args = {"msg": texts[0], "nested": [{"deep": texts[1]}], "broken": trust_as_template("{{ 1 + }}")}
for text in ("{{ 1 | abs }}", "{{ 1 is odd }}", "{% filter upper %}a{% endfilter %}", "{{ 5[1:2] }}"):
    args[text] = trust_as_template(text)
args["itself"] = args
tasks = [("one", args), ("one", args), ("two", {"msg": "{{ not_to_be_trusted }}"}), ("three", None)]
counts = []
for uuid, own in tasks:
    worker.WorkerProcess.start(SimpleNamespace(_task=SimpleNamespace(_uuid=uuid, args=own)))
    counts.append(len(generated))
worker.WorkerProcess.start(SimpleNamespace(_task=SimpleNamespace(args=args, _uuid=[])))
results = [Templar().template(text) for text in texts]
print(json.dumps({"started": started, "counts": counts, "results": results, "after": len(generated)}))
"""


def test_templates_of_a_task_are_compiled_once_before_it_is_forked() -> None:
    result = subprocess.run([sys.executable, "-c", SCRIPT], check=False, capture_output=True, text=True)
    if "other templates" in result.stderr:
        pytest.skip(result.stderr.strip())

    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout) == {
        "started": ["one", "one", "two", "three", []],
        "counts": [3, 3, 3, 3],  # the two, and one that only warns; nothing with filters and tests, nor anything twice
        "results": [2, "\\1"],
        "after": 3,  # what is needed later is there
    }
