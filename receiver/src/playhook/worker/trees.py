# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Trees of processes: whatever a job started ends with it.

Killing ansible-playbook's process group leaves Ansible's workers and their commands alive, because they start
sessions of their own. So everything that a job starts carries a mark in its environment, and the job's own process
adopts what loses its parent: between them, the mark and the ancestry find every survivor.
"""

from __future__ import annotations

import ctypes
import os
import signal
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Final

import psutil

MARK: Final = "PLAYHOOK_JOB"
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_CHILD_SUBREAPER: Final = 36
_GIVE_UP_AFTER: Final = 10.0  # seconds; a process in uninterruptible sleep cannot be waited for
_libc = ctypes.CDLL(None, use_errno=True)


def make_mark(installation: str, job_id: int) -> str:
    """Return what `MARK` is set to in the environment of everything that a job starts."""
    return f"{installation}:{job_id}"


def adopt_orphans() -> None:
    """Become the parent of every descendant that loses its own, instead of init (prctl(2), PR_SET_CHILD_SUBREAPER)."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def die_with_parent(parent: int, number: signal.Signals) -> None:
    """Get the signal when the process that forked this one dies, also when it has died already."""
    _prctl(_PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:
        os.kill(os.getpid(), number)


def end_installation(installation: str) -> int:
    """End what an earlier receiver of this installation left behind; returns how many processes that were."""
    return _end(lambda: _find(f"{installation}:", frozenset()))


def end_job(mark: str, *, keep: Collection[int] = ()) -> int:
    """End everything that carries the mark or descends from this process, except `keep` and what descends from it."""
    return _end(lambda: _find(mark, {os.getpid()}, keep=frozenset(keep)))


def end_marked(mark: str) -> int:
    """End everything that carries the mark, and what descends from it."""
    return _end(lambda: _find(mark, frozenset()))


def _prctl(option: int, value: int) -> None:
    if _libc.prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl failed")


def _find(mark: str, roots: Collection[int], keep: Collection[int] = ()) -> list[psutil.Process]:
    """Look at every process once; a mark that ends in a colon matches every job of the installation."""
    everything = {each.pid: each for each in psutil.process_iter(["ppid", "status"])}
    found: set[int] = set(roots)
    found |= {pid for pid, each in everything.items() if _carries(each, mark)}
    grown = True
    while grown:
        more = {pid for pid, each in everything.items() if each.info["ppid"] in found and pid not in keep} - found
        found |= more
        grown = bool(more)
    found -= {os.getpid(), *keep}
    return [each for pid in found if (each := everything[pid]).info["status"] != psutil.STATUS_ZOMBIE]


def _carries(candidate: psutil.Process, mark: str) -> bool:
    # Other people's processes cannot be read, nor ended; a process may end while it is looked at.
    with suppress(psutil.Error, OSError):
        value = candidate.environ().get(MARK, "")
        return value.startswith(mark) if mark.endswith(":") else value == mark
    return False


def _end(find: Callable[[], list[psutil.Process]]) -> int:
    ended: set[int] = set()
    deadline = time.monotonic() + _GIVE_UP_AFTER
    while (victims := find()) and time.monotonic() < deadline:
        for victim in victims:
            with suppress(psutil.Error):
                victim.kill()
                ended.add(victim.pid)
        time.sleep(0.005)
    return len(ended)
