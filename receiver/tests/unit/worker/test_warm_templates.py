# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What reads templates is made before tasks fork, for this version of ansible-core."""

from __future__ import annotations

import subprocess
import sys

import pytest

# In a process of its own: importing Ansible changes the process.
SCRIPT = """
import importlib
import ansible.template
try:
    bits = importlib.import_module("ansible._internal._templating._jinja_bits")
except ImportError:
    raise SystemExit("this ansible-core has other templates")
from playhook.worker.warm_templates import make_scanner
before = len(bits.AnsibleEnvironment._lexer_cache)
make_scanner()
kept = list(bits.AnsibleEnvironment._lexer_cache.values())
print(before, len(kept), bits.AnsibleEnvironment().lexer is kept[0])
"""


def test_the_scanner_of_templates_is_made_ahead_and_is_the_one_that_tasks_use() -> None:
    result = subprocess.run([sys.executable, "-c", SCRIPT], check=False, capture_output=True, text=True)
    if "other templates" in result.stderr:
        pytest.skip(result.stderr.strip())

    assert result.stdout == "0 1 True\n", result.stderr
