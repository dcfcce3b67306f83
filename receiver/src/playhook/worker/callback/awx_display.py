# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-runner's callback plugin, whose events go to one file instead of a file each.

It is found before the one that it changes, under the same name, by `ANSIBLE_CALLBACK_PLUGINS`. It runs in
ansible-playbook, which need not have the receiver beside it, so that it imports nothing of that. What it writes is read
by `playhook.worker.event_log`. Making, renaming and removing a file cost more than all else that an event needs.

Where ansible-runner's plugin is not as known here it is left as it is, and ansible-runner reads its files.
"""

from __future__ import annotations

import base64
import importlib.util
import json
import os
import sys
from pathlib import Path
from typing import Any

DOCUMENTATION = r"""
name: awx_display
type: stdout
short_description: Tells ansible-runner about events
description: ansible-runner's plugin of the same name, with less to do for each event.
extends_documentation_fragment:
  - default_callback
requirements:
  - Set as stdout in config
"""

_LARGEST = 16 * 1024 * 1024  # bytes; then the next file is begun, and the reader removes this one
_WIDEST = 78  # ansible-runner's own marks are longer only in parts


class _EventLog:
    """Stands for ansible-runner's store of events; a line is a JSON document."""

    def __init__(self, directory: Path, encoder: Any) -> None:
        directory.mkdir(mode=0o700, exist_ok=True)
        self._directory, self._encoder = directory, encoder
        self._number = 0
        self._file = self._open()

    def set(self, _key: str, event: dict[str, Any]) -> None:
        """Have the event on its way before its mark is written to the output."""
        if self._file.tell() > _LARGEST:
            self._file.close()
            self._number += 1
            self._file = self._open()
        self._file.write(json.dumps(event, cls=self._encoder).encode() + b"\n")
        self._file.flush()

    def _open(self) -> Any:
        return os.fdopen(os.open(self._directory / f"log-{self._number}", os.O_WRONLY | os.O_CREAT, 0o600), "wb")


def _load_original() -> Any:
    """Load the plugin by its file: its package is slow to import, and need not be there."""
    directory = os.environ["ANSIBLE_CALLBACK_PLUGINS"].rpartition(os.pathsep)[2]
    spec = importlib.util.spec_from_file_location("playhook_awx_display", Path(directory) / "awx_display.py")
    assert spec is not None  # noqa: S101  the name ends in .py
    assert spec.loader is not None  # noqa: S101
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def _write_mark(context: Any, output: Any, content: object, max_width: int = _WIDEST, flush: bool = False) -> None:
    """Write what the original writes, at once instead of in four parts."""
    text = base64.b64encode(json.dumps(content).encode()).decode()
    if len(text) > max_width:
        _write_long_mark(context, output, content, max_width, flush)
        return
    with context.display_lock:
        output.write(f"\x1b[K{text}\x1b[{len(text)}D\x1b[K")
        if flush:
            output.flush()


_original = _load_original()
CallbackModule = _original.CallbackModule
if hasattr(_original.event_context, "cache") and hasattr(_original.EventContext, "dump"):
    _events = Path(os.environ["AWX_ISOLATED_DATA_DIR"]) / "job_events"
    _original.event_context.cache = _EventLog(_events, _original.AnsibleJSONEncoderLocal)
    _write_long_mark = _original.EventContext.dump
    _original.EventContext.dump = _write_mark
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(line_buffering=False)  # the mark at an event's end has its output written, at once
