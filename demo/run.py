# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make demo`: a signed pull request runs a playbook, and the commit gets its status. Real but for GitHub.

The receiver, the collection's modules, git and ansible-playbook are the real ones; GitHub is a strict fake on
loopback. Everything is in a temporary directory. KEEP=1 leaves it running until Ctrl-C.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

TOP = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP / "receiver"))

from rich.console import Console  # noqa: E402
from rich.markup import escape  # noqa: E402
from tests.fakes.github import GitHubFake  # noqa: E402
from tests.live import ADMIN_PASSWORD, LiveReceiver  # noqa: E402

REPOSITORY = "octo-org/demo"
TOKEN = "ghp_demo-token-of-the-fake-github"
TITLE = "Open the door {{ lookup('pipe', 'echo pwned') }}"
_out = Console(highlight=False)


def main() -> int:
    """Run the demo; returns the exit status."""
    started = time.monotonic()
    for number in (signal.SIGTERM, signal.SIGHUP):  # so that a closed terminal leaves nothing behind
        signal.signal(number, lambda _number, _frame: sys.exit(1))
    with (
        tempfile.TemporaryDirectory(prefix="playhook-demo-") as name,
        GitHubFake(token=TOKEN, repositories=[REPOSITORY]) as github,
    ):
        directory = Path(name)
        with step("Make a git repository with a playbook"):
            source = make_repository(directory / "repository")
        receiver = LiveReceiver(directory / "playhook", env={"PLAYHOOK_LOG_FORMAT": "console"})
        with step("Start the receiver (SQLite, in a temporary directory)"):
            receiver.start()
        try:
            show_run(receiver, github, directory, source)
            _print(f"\n[green]Done in {time.monotonic() - started:.0f} s.[/]")
            show_where_to_look(receiver, github)
        except Failed as failure:
            _print(f"\n[red]The demo failed:[/] {escape(str(failure))}\n\nThe receiver's log:\n")
            _print(escape(receiver.log()))
            return 1
        finally:
            receiver.stop()
    return 0


def _print(text: str) -> None:
    _out.print(text, soft_wrap=True)


class Failed(Exception):
    """Something was not as it should be."""


def show_run(receiver: LiveReceiver, github: GitHubFake, directory: Path, source: str) -> None:
    """Configure, deliver, and show what comes of it."""
    with step("Configure it with the collection's modules (demo/configure.yml)"):
        changed = configure(receiver, github, directory, source)
    with step("Run the same playbook again: nothing may change"):
        again = configure(receiver, github, directory, source)
    _print(f"  first run: {changed} changed, second run: {again} changed")
    check(changed > 0 and again == 0, "the second run of demo/configure.yml changed something")
    address = github.hooks[0].config["url"]
    _print(f"  the repository's webhook: [cyan]{address}[/]")

    with step("GitHub sends a pull request, signed with the webhook key"):
        payload = github.payload("pull_request.opened", {"pull_request": {"title": TITLE}})
        delivery = github.deliver("pull_request", payload)
    _print(f"  answer: [bold]{delivery.status}[/] {escape(delivery.body)}")
    check(delivery.status == 202, "the delivery was not accepted")

    with step("Wait for the job"):
        job = receiver.wait_for_job(receiver.get("jobs/", order_by="-id")["results"][0]["id"])
    output = receiver.get(f"jobs/{job['id']}/stdout/", format="json")["content"]
    _print(f"  job {job['id']}: [bold]{job['status']}[/] after {job['elapsed']:.1f} s; its output:")
    for line in output.strip().splitlines():
        _print(f"    [dim]{escape(line)}[/]")
    check(job["status"] == "successful", f"the job ended {job['status']}: {job['job_explanation']}")
    check(TITLE in output.replace('\\"', '"'), "the pull request's title is not in the output as it was sent")

    with step("Wait for the statuses at GitHub"):
        statuses = github.wait_for_statuses(2)
    for status in statuses:
        _print(f"  {status['sha'][:12]} [bold]{status['state']}[/] {escape(status['context'])}")
    check([status["state"] for status in statuses] == ["pending", "success"], "the statuses are not pending, success")


def show_where_to_look(receiver: LiveReceiver, github: GitHubFake) -> None:
    """Print the addresses, and stay up when that was asked for."""
    stays = os.environ.get("KEEP", "") not in {"", "0"}
    _print(f"\nWhere to look{'' if stays else ', had it stayed up with make demo KEEP=1'}:")
    _print(f"  the API            [cyan]{receiver.url}/api/v2/[/] (user admin, password '{ADMIN_PASSWORD}')")
    for path in ("jobs/", "webhook_deliveries/", "job_templates/"):
        _print(f"    curl -su 'admin:{ADMIN_PASSWORD}' {receiver.url}/api/v2/{path}")
    _print(f"  the fake GitHub    [cyan]{github.url}/_fake/statuses[/]")
    _print(f"  the receiver's log {receiver.log_file}")
    if not stays:
        return
    _print("Ctrl-C ends it.")
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        _print("\nStopped.")


def make_repository(directory: Path) -> str:
    """Commit demo/project; returns the repository's URL."""
    directory.mkdir()
    (directory / "site.yml").write_bytes((TOP / "demo" / "project" / "site.yml").read_bytes())
    identity = ("-c", "user.name=Playhook demo", "-c", "user.email=demo@playhook.example")
    for command in (("init", "-q", "-b", "main"), ("add", "."), (*identity, "commit", "-q", "-m", "Add a playbook")):
        subprocess.run(["git", *command], cwd=directory, check=True)
    return f"file://{directory}"


def configure(receiver: LiveReceiver, github: GitHubFake, directory: Path, source: str) -> int:
    """Run demo/configure.yml; returns how many of its tasks changed something."""
    collections = directory / "collections"
    link = collections / "ansible_collections" / "playhook" / "webhooks"
    if not link.exists():
        link.parent.mkdir(parents=True)
        link.symlink_to(TOP)
    variables: dict[str, Any] = {
        "demo_scm_url": source,
        "demo_github_url": github.url,
        "demo_github_token": TOKEN,
        "demo_repository": REPOSITORY,
    }
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(collections),
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
        "ANSIBLE_NOCOLOR": "true",
        "CONTROLLER_HOST": receiver.url,
        "CONTROLLER_USERNAME": "admin",
        "CONTROLLER_PASSWORD": ADMIN_PASSWORD,
    }
    arguments = [item for name, value in variables.items() for item in ("-e", f"{name}={value}")]
    command = [str(Path(sys.executable).parent / "ansible-playbook"), str(TOP / "demo" / "configure.yml"), *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    check(done.returncode == 0, f"demo/configure.yml failed:\n{done.stdout}{done.stderr}")
    recap = done.stdout[done.stdout.rindex("PLAY RECAP") :]
    return int(recap.partition("changed=")[2].split()[0])


@contextmanager
def step(text: str) -> Iterator[None]:
    """Show what is being done, and how long it took."""
    started = time.monotonic()
    with _out.status(text) if _out.is_terminal else _announced(text):
        yield
    _print(f"[green]✓[/] {text} [dim]({time.monotonic() - started:.1f} s)[/]")


@contextmanager
def _announced(text: str) -> Iterator[None]:
    _print(f"… {text}")
    yield


def check(right: bool, otherwise: str) -> None:
    if not right:
        raise Failed(otherwise)


if __name__ == "__main__":
    sys.exit(main())
