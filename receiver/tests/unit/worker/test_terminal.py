# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The terminal of ansible-playbook: all of its output is read, and its end is seen, whoever still holds it."""

from __future__ import annotations

import io
import os
import signal
import time

import pexpect  # type: ignore[import-untyped]
import pytest

from playhook.worker.terminal import Terminal

ENDINGS = [pexpect.TIMEOUT, pexpect.EOF]
PATIENCE = 60.0  # seconds


def open_terminal(script: str) -> tuple[Terminal, io.StringIO]:
    terminal = Terminal("/bin/sh", ["-c", script], encoding="utf-8", echo=False, use_poll=True)
    terminal.logfile_read = output = io.StringIO()
    return terminal, output


def test_all_output_is_read_until_its_end() -> None:
    terminal, output = open_terminal("i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i + 1)); done")

    assert terminal.expect(ENDINGS, PATIENCE, searchwindowsize=100) == ENDINGS.index(pexpect.EOF)

    assert [f"line {number}" for number in range(20000)] == output.getvalue().splitlines()
    terminal.close()


def test_a_silent_program_does_not_hold_its_reader_longer_than_asked() -> None:
    terminal, output = open_terminal("read line")

    assert terminal.expect(ENDINGS, 0.05) == ENDINGS.index(pexpect.TIMEOUT)
    with pytest.raises(pexpect.TIMEOUT):
        terminal.expect(pexpect.EOF, timeout=0.05)

    assert output.getvalue() == ""
    terminal.close(force=True)


def test_a_program_that_never_stops_talking_does_not_hold_its_reader_longer_than_asked() -> None:
    terminal, _output = open_terminal("while :; do echo much; done")

    assert terminal.expect(ENDINGS, 0.2) == ENDINGS.index(pexpect.TIMEOUT)

    terminal.close(force=True)


def test_the_end_is_seen_while_something_left_behind_holds_the_terminal() -> None:
    terminal, output = open_terminal("trap '' HUP; sleep 600 & echo $!; exit 3")
    begin = time.monotonic()

    while terminal.isalive():
        terminal.expect(ENDINGS, 0.1)
    assert terminal.expect(pexpect.EOF, timeout=PATIENCE) == 0

    assert time.monotonic() - begin < PATIENCE
    terminal.close()
    assert terminal.exitstatus == 3
    os.kill(int(output.getvalue()), signal.SIGKILL)


def test_the_end_is_seen_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("playhook.worker.terminal._PAUSE", PATIENCE)
    terminal, output = open_terminal("echo first; sleep 0.1; echo last")
    begin = time.monotonic()

    assert terminal.expect(ENDINGS, 2 * PATIENCE) == ENDINGS.index(pexpect.EOF)

    assert time.monotonic() - begin < PATIENCE
    assert output.getvalue().split() == ["first", "last"]
    terminal.close()


def test_lines_that_follow_each_other_are_read_together() -> None:
    terminal, _output = open_terminal("i=0; while [ $i -lt 2000 ]; do echo $i; i=$((i + 1)); done")
    reads: list[None] = []
    terminal.on_read = lambda: reads.append(None)

    terminal.expect(ENDINGS, PATIENCE)

    assert 0 < len(reads) < 1000
    terminal.close()
