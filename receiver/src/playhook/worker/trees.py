# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Trees of processes: whatever a job started ends with it.

Killing ansible-playbook's process group leaves Ansible's workers and their commands alive, because they start
sessions of their own. So everything that a job starts carries a mark in its environment, and the job's own process
adopts what loses its parent: between them, the mark and the ancestry find every survivor.
"""

from __future__ import annotations

import ctypes
import itertools
import os
import signal
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path
from typing import Final

MARK: Final = "PLAYHOOK_JOB"
ROOM_FOR_MARK: Final = "-" * 200  # what a fork server's own environment holds in the mark's place
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_NAME: Final = 15
_PR_SET_CHILD_SUBREAPER: Final = 36
_GIVE_UP_AFTER: Final = 10.0  # seconds; a process in uninterruptible sleep cannot be waited for
_libc = ctypes.CDLL(None, use_errno=True)


def make_mark(scope: str, job_id: int) -> str:
    """Return what `MARK` is set to in the environment of everything that a job of a worker's scope starts."""
    return f"{scope}:{job_id}"


def adopt_orphans() -> None:
    """Become the parent of every descendant that loses its own, instead of init (prctl(2), PR_SET_CHILD_SUBREAPER)."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def die_with_parent(parent: int, number: signal.Signals) -> None:
    """Get the signal when the process that forked this one dies, also when it has died already."""
    _prctl(_PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:
        os.kill(os.getpid(), number)


def find_room_for_mark() -> int:
    """Return the address of the mark's value in this process's first environment, 0 when there is no room for one."""
    entries = ctypes.POINTER(ctypes.c_void_p).in_dll(_libc, "environ")
    wanted = f"{MARK}={ROOM_FOR_MARK}".encode()
    for number in itertools.count():
        address: int | None = entries[number]
        if address is None:
            break
        if ctypes.string_at(address) == wanted:
            return address + len(MARK) + 1
    return 0


def carry_mark(mark: str, room: int) -> None:
    """Show the mark to whoever looks for it: /proc tells the environment that a program was executed with.

    A process that was only forked still has the fork server's there, and so has all that it forks.
    """
    value = mark.encode()
    if room and len(value) <= len(ROOM_FOR_MARK):
        ctypes.memmove(room, value.ljust(len(ROOM_FOR_MARK), b"\0"), len(ROOM_FOR_MARK))


def be_called(name: str) -> None:
    """Set the name that `ps` and `top` show."""
    _libc.prctl(_PR_SET_NAME, name.encode(), 0, 0, 0)


def end_scope(scope: str) -> int:
    """End what an earlier worker of this scope left behind; returns how many processes that were."""
    return _end(lambda: _find(f"{scope}:", frozenset()))


def end_job(mark: str, *, keep: Collection[int] = ()) -> int:
    """End everything that carries the mark or descends from this process, except `keep` and what descends from it."""
    return _end(lambda: _find(mark, {os.getpid()}, keep=frozenset(keep)))


def end_marked(mark: str) -> int:
    """End everything that carries the mark, and what descends from it."""
    return _end(lambda: _find(mark, frozenset()))


def _prctl(option: int, value: int) -> None:
    if _libc.prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl failed")


def _find(mark: str, roots: Collection[int], keep: Collection[int] = ()) -> set[int]:
    """Look at every process once; a mark that ends in a colon matches every job of the scope."""
    alive, parents = _look()
    found = {pid for pid in alive if _carries(pid, mark)} | set(roots)
    grown = True
    while grown:
        more = {pid for pid, parent in parents.items() if parent in found and pid not in keep} - found
        found |= more
        grown = bool(more)
    return (found & alive) - {os.getpid(), *keep}


def _look() -> tuple[set[int], dict[int, int]]:
    """Return the processes that are no zombies, and the parent of each (proc(5)).

    psutil reads five times as long, at the end of every job; and what its process_iter() returns is shared by threads.
    """
    alive, parents = set(), {}
    for name in [each.name for each in os.scandir("/proc") if each.name.isdecimal()]:
        with suppress(OSError):  # it has ended meanwhile
            # The name in the second field may hold anything, also parentheses.
            state, parent = _read(name, "stat").rpartition(b")")[2].split(None, 2)[:2]
            parents[int(name)] = int(parent)
            if state != b"Z":
                alive.add(int(name))
    return alive, parents


def _carries(pid: int, mark: str) -> bool:
    with suppress(OSError):  # other people's processes cannot be read, nor ended
        wanted = f"{MARK}={mark}".encode()
        entries = _read(pid, "environ").split(b"\0")
        return any(each.startswith(wanted) for each in entries) if mark.endswith(":") else wanted in entries
    return False


def _read(pid: int | str, file: str) -> bytes:
    return Path(f"/proc/{pid}/{file}").read_bytes()


def _end(find: Callable[[], set[int]]) -> int:
    ended: set[int] = set()
    deadline = time.monotonic() + _GIVE_UP_AFTER
    while (victims := find()) and time.monotonic() < deadline:
        for victim in victims:
            with suppress(OSError):
                os.kill(victim, signal.SIGKILL)
                ended.add(victim)
        time.sleep(0.005)
    return len(ended)
