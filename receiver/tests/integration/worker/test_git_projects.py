# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Projects in git: real repositories, by path and by a server that wants a password."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.integration.worker.arguments import watched_arguments
from tests.integration.worker.conftest import Bench, gate, play, wait_for_gate
from tests.integration.worker.repositories import Repository, serve_git

from playhook.domain.checkouts import checkout_dir
from playhook.store import tables as t

pytestmark = pytest.mark.usefixtures("pool")

SITE = {"site.yml": play("debug: {msg: 'version one'}")}


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "repositories" / "plays", SITE)


@pytest.fixture
def project(bench: Bench, repository: Repository) -> Callable[..., int]:
    """Add a git project; of `repository` unless `scm_url` says otherwise."""

    def add(**columns: Any) -> int:
        values = {"scm_type": "git", "scm_url": str(repository.path), "name": "plays", **columns}
        return bench.insert(t.unified_job_templates, type="project", **values)

    return add


def update(bench: Bench, project_id: int, **overrides: Any) -> Any:
    return bench.run(project_id, **overrides)


def test_an_update_fetches_and_tells_what_it_did(
    bench: Bench, project: Callable[..., int], repository: Repository
) -> None:
    project_id = project()

    ended = update(bench, project_id)

    assert (ended.type, ended.status, ended.scm_revision) == ("project_update", "successful", repository.first)
    assert f"project is at {repository.first}" in bench.stdout(ended.id)
    shown = bench.row(t.unified_job_templates, project_id)
    assert (shown.status, shown.scm_revision, shown.last_job_id) == ("successful", repository.first, ended.id)
    assert (checkout_dir(bench.settings, project_id) / "site.yml").exists()
    assert shown.playbook_files == ["site.yml"]
    assert shown.playbook_files == ["site.yml"]


def test_a_job_runs_a_project_that_was_never_updated(
    bench: Bench, project: Callable[..., int], repository: Repository
) -> None:
    project_id = project()

    job = bench.run(bench.template({}, project_id=project_id))

    assert (job.status, job.scm_revision) == ("successful", repository.first)
    assert "version one" in bench.stdout(job.id)
    shown = bench.row(t.unified_job_templates, project_id)
    assert (shown.scm_revision, shown.playbook_files) == (repository.first, ["site.yml"])


def test_a_job_runs_the_revision_of_the_last_update_unless_the_project_updates_on_launch(
    bench: Bench, project: Callable[..., int], repository: Repository
) -> None:
    project_id = project()
    template = bench.template({}, project_id=project_id)
    update(bench, project_id)
    newer = repository.commit({"site.yml": play("debug: {msg: 'version two'}")})

    as_updated = bench.run(template)
    bench.update(t.unified_job_templates, project_id, scm_update_on_launch=True, scm_update_cache_timeout=3600)
    still_fresh = bench.run(template)
    bench.update(t.unified_job_templates, project_id, scm_update_cache_timeout=0)
    updated = bench.run(template)

    assert [as_updated.scm_revision, still_fresh.scm_revision] == [repository.first, repository.first]
    assert updated.scm_revision == newer
    assert "version two" in bench.stdout(updated.id)


def test_an_update_does_not_change_a_job_that_runs(
    bench: Bench, project: Callable[..., int], repository: Repository, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    repository.commit({"site.yml": play(gate(go), "include_tasks: later.yml"), "later.yml": "- debug: {msg: old}\n"})
    project_id = project()
    job_id = bench.launch(bench.template({}, project_id=project_id))
    wait_for_gate(go)
    repository.commit({"later.yml": "- debug: {msg: new}\n"})

    assert update(bench, project_id).status == "successful"
    go.touch()
    bench.wait(job_id)

    assert '"msg": "old"' in bench.stdout(job_id)


@pytest.mark.parametrize("kind", ["branch", "tag", "commit", "unadvertised commit", "refspec"])
def test_what_a_project_can_follow(
    bench: Bench, project: Callable[..., int], repository: Repository, kind: str
) -> None:
    repository.git("config", "uploadpack.allowAnySHA1InWant", "true")
    repository.git("checkout", "--quiet", "-b", "topic/one")
    wanted = repository.commit({"site.yml": play("debug: {msg: 'from the topic'}")})
    repository.git("checkout", "--quiet", "main")
    columns = {
        "branch": {"scm_branch": "topic/one"},
        "tag": {"scm_branch": "v1"},
        "commit": {"scm_branch": wanted},
        "unadvertised commit": {"scm_branch": wanted},
        "refspec": {"scm_branch": "pull/7/head", "scm_refspec": "refs/pull/*:refs/remotes/origin/pull/*"},
    }[kind]
    if kind == "tag":
        repository.git("tag", "-a", "-m", "one", "v1", "topic/one")
    if kind == "refspec":
        repository.git("update-ref", "refs/pull/7/head", wanted)
    if kind in {"tag", "unadvertised commit", "refspec"}:
        repository.git("branch", "--delete", "--force", "topic/one")

    ended = update(bench, project(**columns))

    assert (ended.status, ended.scm_revision) == ("successful", wanted), ended.job_explanation


def test_a_job_of_another_branch_runs_what_was_pushed_last(
    bench: Bench, project: Callable[..., int], repository: Repository
) -> None:
    repository.git("branch", "topic")
    template = bench.template({}, project_id=project(allow_override=True), scm_branch="topic")
    before = bench.run(template)
    repository.git("checkout", "--quiet", "topic")
    newer = repository.commit({"site.yml": play("debug: {msg: 'pushed'}")})

    after = bench.run(template)
    repository.path.rename(repository.path.with_suffix(".gone"))
    whole_id = bench.run(template, scm_branch=newer)

    assert [each.scm_revision for each in (before, after, whole_id)] == [repository.first, newer, newer]


def test_a_job_may_run_another_branch_only_where_the_project_allows_it(
    bench: Bench, project: Callable[..., int], repository: Repository
) -> None:
    repository.git("checkout", "--quiet", "-b", "topic")
    topic = repository.commit({"site.yml": play("debug: {msg: topic}")})
    repository.git("checkout", "--quiet", "main")
    project_id = project()
    template = bench.template({}, project_id=project_id, scm_branch="topic")

    refused = bench.run(template)
    bench.update(t.unified_job_templates, project_id, allow_override=True)
    allowed = bench.run(template)

    assert (refused.status, refused.job_explanation) == (
        "error",
        'Project "plays" does not allow jobs to run another branch ("topic").',
    )
    assert (allowed.status, allowed.scm_revision) == ("successful", topic)


@pytest.mark.parametrize(
    ("columns", "explanation"),
    [
        ({"scm_url": "/nowhere/at/all"}, 'Git could not fetch the repository of project "plays": fatal:'),
        ({"scm_branch": "missing"}, '"missing" is neither a branch, a tag nor a commit in project "plays"'),
        ({"scm_branch": "--upload-pack=touch pwned"}, "cannot be a branch, tag or commit"),
        ({"scm_branch": "main..other"}, "cannot be a branch, tag or commit"),
        ({"scm_refspec": "--upload-pack=touch:pwned"}, "must look like refs/pull"),
        ({"scm_url": "ext::sh -c touch% pwned"}, "must be https://"),
        ({"scm_url": "--upload-pack=touch pwned"}, "must be https://"),
        ({"scm_url": "ssh://-oProxyCommand=touch/x"}, "Git could not fetch"),
        ({"scm_type": "svn"}, "only git is supported"),
        ({"scm_type": ""}, "there is nothing to update"),
    ],
)
def test_a_project_that_cannot_be_updated_says_why(
    bench: Bench, project: Callable[..., int], columns: dict[str, str], explanation: str
) -> None:
    ended = update(bench, project(**columns))

    assert ended.status == "error"
    assert explanation in ended.job_explanation


def test_the_error_of_a_clone_is_the_error_of_the_job(bench: Bench, project: Callable[..., int]) -> None:
    job = bench.run(bench.template({}, project_id=project(scm_url="file:///nowhere")))

    assert (job.status, job.started) == ("error", None)
    assert job.job_explanation.startswith('Git could not fetch the repository of project "plays": fatal:')


def test_another_address_makes_a_new_checkout(
    bench: Bench, project: Callable[..., int], repository: Repository, tmp_path: Path
) -> None:
    project_id = project()
    update(bench, project_id)
    other = Repository(tmp_path / "other", {"other.yml": play("debug:")})
    bench.update(t.unified_job_templates, project_id, scm_url=str(other.path))

    ended = update(bench, project_id)

    files = {path.name for path in checkout_dir(bench.settings, project_id).iterdir()} - {".git"}
    assert (ended.scm_revision, files) == (other.first, {"other.yml"})


def test_submodules_come_only_where_the_project_asks(
    bench: Bench, project: Callable[..., int], repository: Repository, tmp_path: Path
) -> None:
    inner = Repository(tmp_path / "inner", {"tasks.yml": "- debug: {msg: from the submodule}\n"})
    repository.git("submodule", "--quiet", "add", str(inner.path), "inner")
    repository.commit({"site.yml": play("include_tasks: inner/tasks.yml")})
    project_id = project()
    template = bench.template({}, project_id=project_id)

    without = bench.run(template)
    bench.update(t.unified_job_templates, project_id, scm_track_submodules=True)
    job = bench.run(template)

    assert without.status == "failed"
    assert job.status == "successful", job.job_explanation
    assert "from the submodule" in bench.stdout(job.id)


def test_required_roles_and_collections_are_installed(
    bench: Bench, project: Callable[..., int], repository: Repository, tmp_path: Path
) -> None:
    Repository(tmp_path / "greeting", {"tasks/main.yml": "- debug: {msg: from the role}\n", "meta/main.yml": "{}\n"})
    collection = {
        "galaxy.yml": "{namespace: acme, name: tools, version: 1.0.0, readme: README.md, authors: [A]}\n",
        "README.md": "tools\n",
        "roles/hello/tasks/main.yml": "- debug: {msg: from the collection}\n",
    }
    Repository(tmp_path / "tools", collection)
    repository.commit(
        {
            "roles/requirements.yml": f"- {{src: 'git+file://{tmp_path}/greeting', name: greeting, version: main}}\n",
            "collections/requirements.yml": f"collections: [{{name: '{tmp_path}/tools', type: dir}}]\n",
            "site.yml": "- {hosts: all, gather_facts: false, roles: [greeting, acme.tools.hello]}\n",
        }
    )
    project_id = project()

    updated = update(bench, project_id)
    job = bench.run(bench.template({}, project_id=project_id))

    assert updated.status == "successful", updated.job_explanation
    assert job.status == "successful", bench.stdout(job.id)
    assert "from the role" in bench.stdout(job.id)
    assert "from the collection" in bench.stdout(job.id)


def test_requirements_that_cannot_be_installed_say_why(
    bench: Bench, project: Callable[..., int], repository: Repository
) -> None:
    repository.commit({"roles/requirements.yml": "- {src: 'git+file:///nowhere/role', name: lost}\n"})

    ended = update(bench, project())

    assert ended.status == "error"
    assert ended.job_explanation.startswith(
        'Ansible-galaxy could not install "roles/requirements.yml" of project "plays"'
    )


@pytest.mark.parametrize("place", ["credential", "url"])
def test_a_password_reaches_the_server_and_nothing_else(
    bench: Bench, project: Callable[..., int], repository: Repository, place: str
) -> None:
    password = "git pass'word-$HOME@:/"
    with serve_git(repository.path.parent, "ada", password) as (url, seen):
        columns: dict[str, Any] = {"scm_url": f"{url}/plays/.git"}
        if place == "credential":
            columns["credential_id"] = add_scm_credential(bench, username="ada", password=password)
        else:
            columns["scm_url"] = columns["scm_url"].replace("//", "//ada:git%20pass'word-%24HOME%40%3A%2F@")
        project_id = project(**columns)

        with watched_arguments() as arguments:
            ended = update(bench, project_id)
            job = bench.run(bench.template({}, project_id=project_id))

    assert (ended.status, job.status) == ("successful", "successful"), ended.job_explanation
    assert seen[-1].startswith("Basic ")
    assert b"pass'word" not in b" ".join(arguments)
    written = [path for path in bench.settings.home.rglob("*") if path.is_file() and "sqlite3" not in path.name]
    assert [path for path in written if b"pass'word" in path.read_bytes()] == []


def test_a_wrong_password_ends_the_update_soon(
    bench: Bench, project: Callable[..., int], repository: Repository
) -> None:
    with serve_git(repository.path.parent, "ada", "right") as (url, _):
        credential = add_scm_credential(bench, username="ada", password="wrong")
        ended = update(bench, project(scm_url=f"{url}/plays/.git", credential_id=credential))

    assert ended.status == "error"
    assert "Authentication failed" in ended.job_explanation
    assert ended.elapsed < 60  # seconds: it waits for nobody to type another one


def test_a_password_is_not_given_to_another_host(
    bench: Bench, project: Callable[..., int], repository: Repository
) -> None:
    """A submodule elsewhere asks too; it gets no answer."""
    with (
        serve_git(repository.path.parent, "ada", "right") as (url, _),
        serve_git(repository.path.parent, "ada", "right") as (elsewhere, seen),
    ):
        repository.commit({".gitmodules": f'[submodule "x"]\n\tpath = x\n\turl = {elsewhere}/plays/.git\n'})
        repository.git("update-index", "--add", "--cacheinfo", f"160000,{repository.first},x")
        repository.git("commit", "--quiet", "--message=a submodule")
        credential = add_scm_credential(bench, username="ada", password="right")
        template = bench.template(
            {}, project_id=project(scm_url=f"{url}/plays/.git", credential_id=credential, scm_track_submodules=True)
        )
        job = bench.run(template)

    assert job.status == "error"
    assert job.job_explanation.startswith("Git could not fetch the submodules")
    assert set(seen) == {""}


def add_scm_credential(bench: Bench, **inputs: str) -> int:
    fields = [{"id": "username"}, {"id": "password", "secret": True}]
    kind = bench.insert(
        t.credential_types, name="Source Control", kind="scm", namespace="scm", inputs={"fields": fields}, injectors={}
    )
    encrypted = {name: bench.store.cipher.encrypt(value) for name, value in inputs.items()}
    return bench.insert(t.credentials, name="git account", credential_type_id=kind, inputs=encrypted)
