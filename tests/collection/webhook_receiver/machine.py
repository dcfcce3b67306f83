# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Debian machine with a booted systemd and no network, made by systemd-nspawn, that Ansible reaches over SSH."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SUITE = "bookworm"
USER = "deploy"  # reached over SSH, becomes root by sudo: as on most real hosts
# What a Debian cloud image has. git and ssh are not there: installing them is the role's work.
BASE_PACKAGES = [
    *("ca-certificates", "curl", "dbus", "iproute2", "libpam-systemd", "openssh-server", "procps"),
    *("python3", "python3-apt", "sudo", "systemd", "systemd-sysv"),
]
# Downloaded into the image, so that the role's package task installs without a network.
OFFERED_PACKAGES = ["git", "openssh-client", "python3-venv"]


class CannotBootError(Exception):
    """Raised where this machine cannot make or boot the container; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A running container. `leader` is its init as the host sees it."""

    root: Path
    leader: int
    key: Path

    @property
    def ssh_options(self) -> str:
        """Return what `ansible_ssh_common_args` needs: sshd is started inside, on a pipe."""
        proxy = f"nsenter -t {self.leader} -a /usr/sbin/sshd -i"
        return (
            f'-o UserKnownHostsFile=/dev/null -o StrictHostKeyChecking=no -o LogLevel=ERROR -o ProxyCommand="{proxy}"'
        )

    def run(self, *command: str, check: bool = True) -> str:
        """Run a command inside as root, and return what it printed."""
        inside = [
            "nsenter",
            "-t",
            str(self.leader),
            "-a",
            "--",
            "/usr/bin/env",
            "-i",
            "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
        ]
        result = subprocess.run([*inside, *command], capture_output=True, text=True, check=False, timeout=180)
        if check and result.returncode != 0:
            raise AssertionError(f"{' '.join(command)} exited {result.returncode}: {result.stdout}{result.stderr}")
        return result.stdout


def make_base(cache: Path) -> Path:
    """Return the tar of the base system, made once and then kept in the cache."""
    recipe = hashlib.sha256(" ".join([SUITE, *BASE_PACKAGES, *OFFERED_PACKAGES]).encode()).hexdigest()[:12]
    base = cache / f"debian-{SUITE}-{recipe}.tar"
    if base.exists():
        return base
    for stale in cache.glob(f"debian-{SUITE}-*.tar"):
        stale.unlink()
    partial = base.with_name(f"{base.name}.{os.getpid()}.partial.tar")
    # With the recommended packages, as Debian's own configuration has it and mmdebstrap's has not.
    apt = 'APT_CONFIG="$MMDEBSTRAP_APT_CONFIG" apt-get --yes -o APT::Install-Recommends=true'
    download = f"{apt} --download-only install {' '.join(OFFERED_PACKAGES)}"
    empty_the_cache = 'rm -rf "$1"/var/cache/apt/archives/*.deb'
    command = [
        "mmdebstrap",
        "--quiet",
        "--variant=minbase",
        f"--include={','.join(BASE_PACKAGES)}",
        "--skip=cleanup/apt",
        f"--customize-hook={empty_the_cache}",
        f"--customize-hook={download}",
        SUITE,
        str(partial),
        *_mirror(),
    ]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    if result.returncode != 0:
        partial.unlink(missing_ok=True)
        raise CannotBootError(f"mmdebstrap could not make the base system:\n{result.stderr[-3000:]}")
    return partial.rename(base)


def _mirror() -> list[str]:
    sources = Path("/etc/apt/sources.list.d/debian.sources")
    if not sources.exists():
        return []
    uris = [line.split()[1] for line in sources.read_text().splitlines() if line.startswith("URIs:")]
    return uris[:1]


@contextlib.contextmanager
def booted(base: Path, directory: Path, *, read_only: dict[Path, str]) -> Iterator[Machine]:
    """Boot a fresh machine below `directory`. `read_only` maps directories of the host to places inside."""
    root, key = directory / "root", directory / "id_ed25519"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    _unpack(base, root, key.with_suffix(".pub").read_text())
    name = f"playhook-{os.getpid()}"
    cgroups = _make_cgroups(name)
    log = directory / "console.log"
    container = _launch(root, name, cgroups, log, read_only)
    try:
        leader = _wait_until_booted(container, log)
        yield Machine(root=root, leader=leader, key=key)
    finally:
        _stop(container)
        for cgroup in cgroups:
            _remove_cgroup(cgroup)
        shutil.rmtree(root)


def _unpack(base: Path, root: Path, public_key: str) -> None:
    root.mkdir()
    subprocess.run(
        ["tar", "--extract", "--preserve-permissions", "--file", str(base), "--directory", str(root)], check=True
    )
    subprocess.run(["chroot", str(root), "useradd", "--create-home", "--shell", "/bin/bash", USER], check=True)
    ssh = root / "home" / USER / ".ssh"
    ssh.mkdir(mode=0o700)
    (ssh / "authorized_keys").write_text(public_key)
    subprocess.run(["chroot", str(root), "chown", "-R", f"{USER}:{USER}", f"/home/{USER}"], check=True)
    # Root's files are nobody else's by default, as on a hardened host.
    strict = "Defaults umask=0077, umask_override\n"
    (root / "etc/sudoers.d/deploy").write_text(f"{strict}{USER} ALL=(ALL) NOPASSWD: ALL\n")
    (root / "etc/hostname").write_text("receiver\n")
    # The lists in the image are as old as the cache; without a network, apt must not want newer ones.
    for lists in ("var/lib/apt/lists", "var/lib/apt/periodic/update-success-stamp"):
        (root / lists).parent.mkdir(parents=True, exist_ok=True)
        (root / lists).touch()


def _make_cgroups(name: str) -> list[Path]:
    """Make a control group of its own in the unified hierarchy and, on a hybrid host, in systemd's too."""
    hierarchies = [Path("/sys/fs/cgroup") / part for part in ("systemd", "unified", ".")]
    cgroups = [hierarchy / name for hierarchy in hierarchies if (hierarchy / "cgroup.procs").exists()]
    for cgroup in cgroups:
        cgroup.mkdir(exist_ok=True)
    return cgroups


def _launch(
    root: Path, name: str, cgroups: list[Path], log: Path, read_only: dict[Path, str]
) -> subprocess.Popen[bytes]:
    enter = "".join(f"echo $$ > '{cgroup}/cgroup.procs' && " for cgroup in cgroups)
    nspawn = ["systemd-nspawn", "--quiet", "-D", str(root), "--register=no", "--keep-unit", "--boot"]
    nspawn += [f"--machine={name}", "--console=pipe", "--link-journal=no", "--private-network", "--resolv-conf=off"]
    nspawn += [f"--bind-ro={source}:{target}" for source, target in read_only.items()]
    with log.open("wb") as console:
        return subprocess.Popen(
            ["bash", "-c", f'{enter}exec "$@"', "launch", *nspawn],
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _wait_until_booted(container: subprocess.Popen[bytes], log: Path) -> int:
    children = Path(f"/proc/{container.pid}/task/{container.pid}/children")
    deadline = time.monotonic() + 180
    state = "not started"
    while time.monotonic() < deadline:
        if container.poll() is not None:
            raise CannotBootError(
                f"systemd-nspawn exited {container.returncode}:\n{log.read_text(errors='replace')[-3000:]}"
            )
        leader = children.read_text().split()
        if leader:
            command = ["nsenter", "-t", leader[0], "-a", "systemctl", "is-system-running"]
            state = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
            if state in {"running", "degraded"}:
                return int(leader[0])
        time.sleep(0.2)
    raise CannotBootError(
        f"systemd in the container is {state!r} after 180 s:\n{log.read_text(errors='replace')[-3000:]}"
    )


def _stop(container: subprocess.Popen[bytes]) -> None:
    for ending in (signal.SIGTERM, signal.SIGKILL):
        if container.poll() is None:
            container.send_signal(ending)
            with contextlib.suppress(subprocess.TimeoutExpired):
                container.wait(timeout=20)


def _remove_cgroup(cgroup: Path) -> None:
    """Remove a control group and those systemd made below it. What is still in use is left."""
    for path in [*sorted(cgroup.rglob("*/"), reverse=True), cgroup]:
        if path.is_dir():
            with contextlib.suppress(OSError):
                path.rmdir()
