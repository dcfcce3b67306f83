# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cached checkout of a project with a repository: brought up to date under a lock, and copied for each job."""

from __future__ import annotations

import fcntl
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from playhook.domain.run_options import is_ref
from playhook.errors import JobCannotRun
from playhook.store.job_inputs import ProjectRow
from playhook.worker.commands import CommandFailed, Commands
from playhook.worker.private_dir import remove_tree
from playhook.worker.scm_access import ScmAccess

_FULL_SHA: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_REFSPEC: Final = re.compile(r"\+?[\w./*-]+:[\w./*-]+")
_HEAD: Final = "refs/playhook/HEAD"
_CONFIG: Final = tuple(
    part
    for setting in (
        "credential.helper=",
        "advice.detachedHead=false",
        "gc.autoDetach=false",
        "core.hooksPath=/dev/null",
        "core.fsmonitor=false",
    )
    for part in ("-c", setting)
)


class GitCheckout:
    """One project's checkout. Its working tree is what the last update left, for the API's list of playbooks."""

    def __init__(self, directory: Path, project: ProjectRow, access: ScmAccess, commands: Commands) -> None:
        self.directory = directory
        self._project, self._access, self._commands = project, access, commands

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the checkout alone, also against other processes of this installation."""
        self.directory.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self.directory.with_suffix(".lock").open("w") as lock:
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    self._commands.stop.check()
                    if time.monotonic() > self._commands.deadline:
                        raise JobCannotRun(f'project "{self._project.name}" was being updated for too long') from None
                    time.sleep(0.1)
            yield

    def find_revision(self, branch: str) -> str | None:
        """Return the commit that a branch, tag or commit id names here, None when it is not known here."""
        check_ref(branch, self._project)
        if not (self.directory / ".git" / "HEAD").exists():
            return None
        name = branch.removeprefix("refs/heads/")
        candidates = [f"refs/remotes/origin/{name}", f"refs/tags/{name}", branch] if branch else [_HEAD]
        for candidate in candidates:
            try:
                arguments = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{candidate}^{{commit}}")
                return self._git(*arguments, quiet=True).strip()
            except CommandFailed:
                continue
        return None

    def update(self, branch: str) -> str:
        """Fetch, put the branch's newest commit into the working tree and return its id. Raises JobCannotRun."""
        check_ref(branch, self._project)
        self._prepare()
        self._fetch(branch)
        revision = self.find_revision(branch)
        if revision is None:
            raise JobCannotRun(f'"{branch}" is neither a branch, a tag nor a commit in project "{self._project.name}"')
        self._git("checkout", "--force", "--detach", "--quiet", revision)
        if self._project.scm_clean:
            self._git("clean", "-ffdxq")
        self._git("gc", "--auto", "--quiet", quiet=True)
        self._commands.on_line(f"project is at {revision}")
        return revision

    def copy(self, revision: str, target: Path) -> None:
        """Make a working copy of its own for a job; it borrows the objects, so that this takes no time."""
        target.mkdir(mode=0o700)
        self._git("init", "--quiet", "--template=", cwd=target)
        alternates = target / ".git" / "objects" / "info" / "alternates"
        alternates.parent.mkdir(exist_ok=True)
        alternates.write_text(f"{self.directory / '.git' / 'objects'}\n")
        self._git("remote", "add", "origin", self._access.url, cwd=target)
        self._git("checkout", "--force", "--detach", "--quiet", revision, cwd=target)
        if self._project.scm_track_submodules:
            self._run_or_explain("fetch the submodules", "submodule", "update", "--init", "--recursive", cwd=target)

    def _prepare(self) -> None:
        if self.directory.exists() and (self._project.scm_delete_on_update or self._origin() != self._access.url):
            remove_tree(self.directory)
        if not self.directory.exists():
            self.directory.mkdir(mode=0o700)
            self._git("init", "--quiet", "--template=")  # no template, no hooks
            self._git("remote", "add", "origin", self._access.url)

    def _origin(self) -> str | None:
        try:
            return self._git("remote", "get-url", "origin", quiet=True).strip()
        except CommandFailed:
            return None

    def _fetch(self, branch: str) -> None:
        refspecs = ["+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*"]
        if not branch:
            refspecs.append(f"+HEAD:{_HEAD}")
        if own := self._project.scm_refspec.strip():
            if not _REFSPEC.fullmatch(own):
                raise JobCannotRun(
                    f'the refspec of project "{self._project.name}" must look like refs/pull/*:refs/pull/*'
                )
            refspecs.append(own)
        arguments = ("fetch", "--force", "--prune", "--no-recurse-submodules", "--no-auto-gc", "--", "origin")
        self._run_or_explain("fetch", *arguments, *refspecs)
        if is_full_sha(branch) and self.find_revision(branch) is None:
            self._run_or_explain(f"fetch the commit {branch} of", "fetch", "--no-auto-gc", "--", "origin", branch)

    def _run_or_explain(self, what: str, *arguments: str, cwd: Path | None = None) -> None:
        try:
            self._git(*arguments, cwd=cwd)
        except CommandFailed as error:
            raise JobCannotRun(
                f'git could not {what} the repository of project "{self._project.name}": {_last_words(error.output)}'
            ) from None

    def _git(self, *arguments: str, cwd: Path | None = None, quiet: bool = False) -> str:
        return self._commands.run(["git", *_CONFIG, *arguments], cwd=cwd or self.directory, quiet=quiet)


def is_full_sha(ref: str) -> bool:
    """Say whether a ref is a whole commit id, which always means the same."""
    return _FULL_SHA.fullmatch(ref) is not None


def check_ref(ref: str, project: ProjectRow) -> None:
    """Refuse what is no name of a branch, tag or commit. Raises JobCannotRun; empty means the default branch."""
    if ref and not is_ref(ref):
        raise JobCannotRun(f'"{ref}" cannot be a branch, tag or commit of project "{project.name}"')


def _last_words(output: str) -> str:
    """Return the line with which git says what is wrong."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    said = [line for line in lines if line.startswith(("fatal:", "error:", "remote: error", "ERROR:"))]
    return next(iter(said or lines[-1:]), "it did not say why")[:500]
