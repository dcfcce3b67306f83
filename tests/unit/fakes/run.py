# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run a module's main() as Ansible does: arguments in, one JSON document on standard output."""

from __future__ import annotations

import json
from contextlib import contextmanager

import pytest
from ansible.module_utils import basic

try:
    from ansible.module_utils.testing import patch_module_args
except ImportError:
    # ansible-core 2.16 to 2.18

    @contextmanager
    def patch_module_args(args):
        basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": args}).encode()
        yield


# Every secret that a test plants holds this, so that one look at an output finds any of them.
PLANTED = "pl4nt3d"


class Runner:
    """Runs modules with common arguments and keeps every output."""

    def __init__(self, capsys, common):
        self._capsys = capsys
        self._common = common
        self.outputs = []
        self.warnings = []

    def warn(self, warning):
        """Stand in for AnsibleModule.warn, whose place in the output differs between versions of ansible-core."""
        self.warnings.append(warning)

    def __call__(self, module, check_mode=False, **arguments):
        """Return the module's result; the module must succeed."""
        code, result = self._run(module, check_mode, arguments)
        assert code == 0, result
        return result

    def fail(self, module, check_mode=False, **arguments):
        """Return the message with which the module fails."""
        code, result = self._run(module, check_mode, arguments)
        assert code == 1, result
        return result["msg"]

    def _run(self, module, check_mode, arguments):
        given = dict(self._common, **arguments)
        given = {name: value for name, value in given.items() if value is not None}
        given.update(_ansible_check_mode=check_mode, _ansible_diff=True)
        self.warnings = []
        with patch_module_args(given), pytest.raises(SystemExit) as ended:
            module.main()
        output = self._capsys.readouterr().out
        self.outputs.append(output)
        return ended.value.code, json.loads(output)


def keep_out_of_check(run, result):
    """Forget the outputs so far: this test asked for a key."""
    run.outputs.clear()
    return result
