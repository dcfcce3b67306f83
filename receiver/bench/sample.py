# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The delivery that is measured: a signed pull request of about 25 KB, and the receiver it is sent to."""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

from tests.live import LiveReceiver

SIZE = 25_000
_OF_USERS = ("followers", "following{/other_user}", "gists{/gist_id}", "starred{/owner}{/repo}", "subscriptions",
             "orgs", "repos", "events{/privacy}", "received_events")  # fmt: skip
_OF_REPOSITORIES = (
    "forks", "keys{/key_id}", "collaborators{/collaborator}", "teams", "hooks", "issues/events{/number}", "events",
    "assignees{/user}", "branches{/branch}", "tags", "git/blobs{/sha}", "git/tags{/sha}", "git/refs{/sha}",
    "git/trees{/sha}", "statuses/{sha}", "languages", "stargazers", "contributors", "subscribers", "subscription",
    "commits{/sha}", "git/commits{/sha}", "comments{/number}", "issues/comments{/number}", "contents/{+path}",
    "compare/{base}...{head}", "merges", "{archive_format}{/ref}", "downloads", "issues{/number}", "pulls{/number}",
    "milestones{/number}", "notifications{?since,all,participating}", "labels{/name}", "releases{/id}", "deployments",
)  # fmt: skip
_COUNTS = ("size", "stargazers_count", "watchers_count", "forks_count", "open_issues_count", "forks", "open_issues")
_FLAGS = ("private", "fork", "has_issues", "has_projects", "has_downloads", "has_wiki", "has_pages", "archived",
          "disabled", "allow_forking", "is_template", "allow_squash_merge", "allow_merge_commit")  # fmt: skip


def pull_request_body() -> bytes:
    """Return a payload of SIZE bytes with what GitHub's have: users and the repository told several times over."""
    head, base = _end("topic", "a"), _end("main", "b")
    api = "https://api.github.com/repos/bench/repository"
    number, web = 1347, "https://github.com/bench/repository"
    pull_request: dict[str, Any] = {
        "url": f"{api}/pulls/{number}", "id": 1_934_267_001, "html_url": f"{web}/pull/{number}",
        "diff_url": f"{web}/pull/{number}.diff", "patch_url": f"{web}/pull/{number}.patch", "number": number,
        "issue_url": f"{api}/issues/{number}", "statuses_url": f"{api}/statuses/{head['sha']}", "state": "open",
        "title": "Make it faster", "user": _user("bench"), "draft": False, "locked": False, "merged": False,
        "labels": [{"id": 8, "name": "deploy", "color": "ededed", "default": False}], "milestone": None,
        "created_at": "2026-01-02T03:04:05Z", "updated_at": "2026-01-02T03:04:05Z", "closed_at": None,
        "head": head, "base": base, "comments": 0, "commits": 3, "additions": 100, "deletions": 3, "changed_files": 5,
    }  # fmt: skip
    payload: dict[str, Any] = {
        "action": "opened",
        "number": number,
        "pull_request": pull_request,
        "repository": _repository(),
        "sender": _user("bench"),
    }
    missing = SIZE - len(json.dumps({**payload, "pull_request": {**pull_request, "body": ""}}))
    pull_request["body"] = "".join(_sentence(place) for place in range(missing // 20))[:missing]
    return json.dumps(payload).encode()


def _user(login: str) -> dict[str, Any]:
    url = f"https://api.github.com/users/{login}"
    links = {f"{path.split('{')[0]}_url": f"{url}/{path}" for path in _OF_USERS}
    return {"login": login, "id": 583231, "node_id": "MDQ6VXNlcjU4MzIzMQ==", "gravatar_id": "", "url": url,
            "html_url": f"https://github.com/{login}", **links, "type": "User", "site_admin": False}  # fmt: skip


def _repository() -> dict[str, Any]:
    url = "https://api.github.com/repos/bench/repository"
    links = {f"{path.split('{')[0].strip('/').replace('/', '_')}_url": f"{url}/{path}" for path in _OF_REPOSITORIES}
    return {"id": 186853002, "node_id": "MDEwOlJlcG9zaXRvcnkxODY4NTMwMDI=", "name": "repository", "url": url,
            "full_name": "bench/repository", "owner": _user("bench"), "html_url": "https://github.com/bench/repository",
            "clone_url": "https://github.com/bench/repository.git", "ssh_url": "git@github.com:bench/repository.git",
            "default_branch": "main", "visibility": "private", "description": "A repository to measure with",
            **links, **dict.fromkeys(_COUNTS, 12), **dict.fromkeys(_FLAGS, False), "topics": []}  # fmt: skip


def _end(branch: str, letter: str) -> dict[str, Any]:
    return {"label": f"bench:{branch}", "ref": branch, "sha": letter * 40, "user": _user("bench"),
            "repo": _repository()}  # fmt: skip


def _sentence(place: int) -> str:
    words = ("cache", "index", "batch", "commit", "queue", "lock", "thread", "socket", "page", "row")
    return f"Line {place} moves the {words[place % 10]} before the {words[place * 7 % 10]}. "


def sign(key: str, body: bytes) -> str:
    """Return the header value as GitHub builds it."""
    return "sha256=" + hmac.new(key.encode(), body, hashlib.sha256).hexdigest()


def make_template(receiver: LiveReceiver) -> tuple[str, str]:
    """Make a job template with a one-task playbook; returns its webhook's path and key."""
    project_dir = receiver.projects / "bench"
    project_dir.mkdir(parents=True, exist_ok=True)
    write_playbook(project_dir / "site.yml")
    organization = receiver.get("organizations/", name="Default")["results"][0]["id"]
    project = receiver.post("projects/", {"name": "bench", "organization": organization, "local_path": "bench"})
    inventory = receiver.post("inventories/", {"name": "bench", "organization": organization})
    local = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    receiver.post("hosts/", {"name": "localhost", "inventory": inventory["id"], "variables": json.dumps(local)})
    template = receiver.post(
        "job_templates/",
        {
            "name": "bench",
            "project": project["id"],
            "inventory": inventory["id"],
            "playbook": "site.yml",
            "webhook_service": "github",
            "allow_simultaneous": True,
        },
    )
    key = receiver.get(f"job_templates/{template['id']}/webhook_key/")["webhook_key"]
    return template["related"]["webhook_receiver"], key


def write_playbook(file: Path) -> None:
    """Write the playbook that both sides run."""
    file.write_text("- hosts: all\n  gather_facts: false\n  tasks:\n    - ansible.builtin.debug:\n        msg: done\n")
