# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what the callback plugin beside this file wrote: events as lines of JSON, in files that follow each other."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO


class EventLog:
    """The events of one run of ansible-playbook. An event is there before its mark is in the output."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._number = -1
        self._file: BinaryIO | None = None
        self._rest = b""
        self._waiting: dict[str, Mapping[str, Any]] = {}

    def take(self, uuid: str) -> Mapping[str, Any]:
        """Return what is known of an event, once; nothing of one that is not there."""
        while uuid not in self._waiting:
            if not self._read() and not self._turn_over():
                return {}
        return self._waiting.pop(uuid)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def _read(self) -> bool:
        """Take what has been added to the file; False when there is nothing."""
        added = b"" if self._file is None else self._file.read()
        *lines, self._rest = (self._rest + added).split(b"\n")
        for line in lines:
            event = json.loads(line)  # not orjson: a playbook may print NaN and lone surrogates
            self._waiting[event["uuid"]] = event
        return bool(added)

    def _turn_over(self) -> bool:
        """Go on with the next file and remove the one before it; False when there is none yet."""
        try:
            file = (self._directory / f"log-{self._number + 1}").open("rb", buffering=0)
        except FileNotFoundError:
            return False
        # The last lines may have come since: after the next file was begun no more can.
        while self._read():
            pass
        if self._file is not None:
            self._file.close()
            (self._directory / f"log-{self._number}").unlink()
        self._file, self._number = file, self._number + 1
        return True
