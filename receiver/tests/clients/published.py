# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The clients as they are published: downloaded once, and kept in the test cache.

The awx.awx collection is not on the package index by itself; `ansible` 11 still carries it, a wheel of 58 MB of which
one folder is kept. The awx command has an environment of its own, because it needs an old setuptools.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

ANSIBLE: Final = "ansible==11.*"
# setuptools for its pkg_resources, which is gone in newer ones; jq for `-f jq`.
AWXKIT: Final = ("awxkit==24.6.1", "setuptools<81", "jq==1.*")
_FOLDER: Final = "ansible_collections/awx/awx/"


def find_cache() -> Path:
    """Return the directory, outside the tree, that keeps what is slow to get."""
    default = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "playhook"
    path = Path(os.environ.get("PLAYHOOK_TEST_CACHE") or default)
    path.mkdir(parents=True, exist_ok=True)
    return path


def get_collection() -> Path:
    """Return the directory to name in ANSIBLE_COLLECTIONS_PATH."""
    path = find_cache() / "awx.awx-of-ansible-11"
    with _made_once(path) as is_to_be_made:
        if is_to_be_made:
            _say(f"downloading {ANSIBLE} (58 MB) for its awx.awx collection, once, into {path}")
            _pip("download", "--no-deps", "--only-binary", ":all:", "--dest", str(path), ANSIBLE)
            (wheel,) = path.glob("*.whl")
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(path, [name for name in archive.namelist() if name.startswith(_FOLDER)])
            wheel.unlink()
    return path


def get_awx_command() -> Path:
    """Return the `awx` command."""
    version = f"{AWXKIT[0].partition('==')[2]}-jq-python{sys.version_info.major}.{sys.version_info.minor}"
    path = find_cache() / f"awxkit-{version}"
    with _made_once(path) as is_to_be_made:
        if is_to_be_made:
            _say(f"installing {AWXKIT[0]}, once, into {path}")
            subprocess.run([sys.executable, "-m", "venv", str(path)], check=True)
            _pip("--python", str(path / "bin/python"), "install", *AWXKIT)
    return path / "bin" / "awx"


@contextmanager
def _made_once(path: Path) -> Iterator[bool]:
    """Yield whether the directory still has to be filled. Others wait meanwhile; what was broken off begins anew."""
    finished = path / ".finished"
    with (path.parent / f"{path.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if finished.exists():
            yield False
            return
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir()
        yield True
        finished.touch()


def _pip(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments], check=True)


def _say(line: str) -> None:
    print(f"-- {line}", file=sys.__stderr__, flush=True)  # not what pytest captures
