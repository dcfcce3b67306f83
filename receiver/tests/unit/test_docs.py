# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation says what the code does: nothing is left out, nothing is named that is not there."""

from __future__ import annotations

import importlib.util
import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args

import pytest
import typer
import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token

from playhook.cli import _program
from playhook.domain.delivery import Delivery
from playhook.domain.event import Action, Event, Kind, PullRequest, Repository
from playhook.intake.filters import RULES
from playhook.intake.launch_values import FIELDS
from playhook.intake.rules import KEYS, PRESETS, validate_rules
from playhook.services.registry import load_services
from playhook.settings import Settings
from playhook.web.api_v2.resources.webhooks import stored_keys, writable_keys
from playhook.worker.environment import ANSIBLE_SETTINGS

TOP = Path(__file__).parents[3]
DOCS = TOP / "docs"
PAGES = [TOP / "README.md", *sorted(DOCS.rglob("*.md"))]
GENERATED_FROM_MODULES = DOCS / "reference/modules.md"
HEADERS = {
    "azure_devops": lambda event: {},
    "bitbucket_cloud": lambda event: {"x-event-key": event},
    "bitbucket_dc": lambda event: {"x-event-key": event},
    "gitea": lambda event: {"x-gitea-event": event},
    "github": lambda event: {"x-github-event": event},
    "gitlab": lambda event: {"x-gitlab-event": event},
}
markdown = MarkdownIt("commonmark").enable("table")

spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
assert spec is not None
assert spec.loader is not None
generate = importlib.util.module_from_spec(spec)
spec.loader.exec_module(generate)


def page_id(page: Path) -> str:
    return str(page.relative_to(TOP))


every_page = pytest.mark.parametrize("page", PAGES, ids=page_id)


def tokens_of(page: Path) -> list[Token]:
    return markdown.parse(page.read_text())


def inline(page: Path) -> Iterator[Token]:
    for token in tokens_of(page):
        yield from token.children or []


def prose(page: Path) -> str:
    """Return the words of a page without its code."""
    return " ".join(each.content if each.type == "text" else " " for each in inline(page))


def blocks(page: Path, *languages: str) -> Iterator[str]:
    """Return the code blocks of some languages, also those inside lists."""
    for token in tokens_of(page):
        if token.type == "fence" and token.info in languages:
            yield token.content


def table_under(page: Path, heading: str) -> list[list[str]]:
    """Return the rows of the first table below a heading, without their code marks."""
    section = re.split(rf"(?m)^#+ {re.escape(heading)}$", page.read_text())[1]
    rows = re.findall(r"(?m)^\|(.*)\|$", section.split("\n#")[0])
    return [[cell.strip().strip("`") for cell in row.split(" | ")] for row in rows[2:]]


def commands() -> dict[tuple[str, ...], Any]:
    """Return every command by its words."""
    found = {}

    def walk(group: Any, path: tuple[str, ...]) -> None:
        for name, command in group.commands.items():
            if hasattr(command, "commands"):
                walk(command, (*path, name))
            else:
                found[(*path, name)] = command

    walk(typer.main.get_command(_program), ())
    return found


@pytest.mark.parametrize("name", generate.PAGES)
def test_generated_page_is_current(name: str) -> None:
    assert (DOCS / name).read_text() == generate.PAGES[name](), "run: make docs"


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_documented(name: str) -> None:
    assert f"| `PLAYHOOK_{name.upper()}` |" in (DOCS / "reference/settings.md").read_text()


@pytest.mark.parametrize("path", commands(), ids=" ".join)
def test_every_command_is_documented(path: tuple[str, ...]) -> None:
    assert f"\n## playhook {' '.join(path)}\n" in (DOCS / "reference/command-line.md").read_text()


@pytest.mark.parametrize("name", load_services())
def test_every_service_has_a_guide_and_a_place_in_the_readme(name: str) -> None:
    label = load_services()[name].label
    assert f"[{label}](docs/howto/{name}.md)" in (TOP / "README.md").read_text()
    assert f"webhook_service: {name}" in (DOCS / "howto" / f"{name}.md").read_text()


@pytest.mark.parametrize("path", sorted((TOP / "plugins/modules").glob("*.py")), ids=lambda path: path.stem)
def test_every_module_is_documented(path: Path) -> None:
    page = GENERATED_FROM_MODULES.read_text()
    assert f"\n## {path.stem}\n" in page


def test_no_markup_of_ansible_is_left() -> None:
    assert re.findall(r"\b(?:RV|[OVCEMUL])\([^)]*\)", GENERATED_FROM_MODULES.read_text()) == []


@every_page
def test_settings_that_are_named_exist(page: Path) -> None:
    named = set(re.findall(r"\bPLAYHOOK_[A-Z_]+\b", page.read_text()))
    known = {f"PLAYHOOK_{name.upper()}" for name in (*Settings.model_fields, "config")}
    assert named - known == set()


@every_page
def test_options_of_the_role_that_are_named_exist(page: Path) -> None:
    role = yaml.safe_load((TOP / "roles/webhook_receiver/meta/argument_specs.yml").read_text())
    named = set(re.findall(r"\bwebhook_receiver_[a-z_]+[a-z]\b", page.read_text()))
    assert named - set(role["argument_specs"]["main"]["options"]) == set()


@every_page
def test_commands_that_are_shown_exist(page: Path) -> None:
    for block in blocks(page, "console", "bash"):
        for line in re.findall(r"(?m)^(?:sudo )?playhook (.*)$", block):
            words = shlex.split(re.sub(r"[>&|].*", "", line))
            path = tuple(word for word in words if not word.startswith("-"))[:2]
            command = commands().get(path) or commands().get(path[:1])
            assert command is not None, line
            known = {option for parameter in command.params for option in parameter.opts}
            assert {word.partition("=")[0] for word in words if word.startswith("--")} <= known, line


@every_page
def test_links_lead_somewhere(page: Path) -> None:
    broken = [link for link in links(page) if not resolves(page, link)]
    assert broken == []


def links(page: Path) -> Iterator[str]:
    for token in inline(page):
        if token.type == "link_open":
            yield str(token.attrs["href"])


def resolves(page: Path, link: str) -> bool:
    if link.startswith(("https://", "http://")):
        return True
    path, _, anchor = link.partition("#")
    target = (page.parent / path).resolve() if path else page
    if not target.exists():
        return False
    return not anchor or anchor in {anchor_of(each) for each in headings(target)}


def headings(page: Path) -> Iterator[str]:
    for before, token in pairwise(tokens_of(page)):
        if before.type == "heading_open":
            yield token.content


def anchor_of(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def test_every_page_is_reached_from_the_readme() -> None:
    reached, waiting = set(), [TOP / "README.md"]
    while waiting:
        page = waiting.pop()
        if page not in reached:
            reached.add(page)
            targets = [(page.parent / link.partition("#")[0]).resolve() for link in links(page) if ":" not in link]
            waiting += [target for target in targets if target.suffix == ".md" and DOCS in target.parents]
    assert [page_id(page) for page in PAGES if page not in reached] == []


@every_page
def test_page_says_its_licence(page: Path) -> None:
    assert page.read_text().startswith("<!--\nSPDX-FileCopyrightText: Playhook contributors\nSPDX-License-Identifier: ")


BANNED = [row[0] for row in table_under(DOCS / "glossary.md", "Not these")]


@pytest.mark.parametrize("page", [page for page in PAGES if page != GENERATED_FROM_MODULES], ids=page_id)
def test_words_that_the_glossary_rules_out_are_not_used(page: Path) -> None:
    text = prose(page) if page.name != "glossary.md" else prose(page).partition("Not these")[0]
    assert [word for word in BANNED if re.search(rf"\b{word}s?\b", text, re.IGNORECASE)] == []


def test_the_glossary_rules_words_out() -> None:
    assert {"webhook secret", "cancelled", "manager"} <= set(BANNED)


REFS = table_under(DOCS / "payload.md", "Refs")


@pytest.mark.parametrize(("service", "event", "path"), REFS, ids=[f"{row[0]} {row[1]}" for row in REFS])
def test_refs_are_taken_from_where_the_table_says(service: str, event: str, path: str) -> None:
    payload: Any = "feature-1"
    for name in reversed(path.split(".")):
        payload = [payload] if name == "0" else {name: payload}
    assert parse(service, event, payload).awx_ref == "feature-1"


def test_the_table_of_refs_has_every_event_that_has_one() -> None:
    everything: dict[str, Any] = {}
    for _, _, path in REFS:
        node: Any = everything
        *names, last = path.split(".")
        for name, after in pairwise([*names, last]):
            inner: Any = [{}] if after == "0" else {}
            node = node[0] if name == "0" else node.setdefault(name, inner)
        node[last] = "feature-1"
    wanted = {(row[0], row[1]) for row in REFS}
    events = {
        "azure_devops": ["build.complete", "workitem.created", "ms.vss-code.git-pullrequest-comment-event"],
        "bitbucket_cloud": ["pullrequest:approved", "pullrequest:comment_created", "repo:commit_comment_created"],
        "bitbucket_dc": ["pr:merged", "pr:comment:added", "repo:comment:added", "diagnostics:ping"],
        "gitea": ["issues", "issue_comment", "delete", "repository"],
        "github": ["issues", "issue_comment", "delete", "ping", "status", "check_run", "deployment", "workflow_run"],
        "gitlab": ["Issue Hook", "Note Hook", "Pipeline Hook", "Job Hook", "Release Hook", "System Hook"],
    }
    others = [(service, event) for service in events for event in events[service]]
    found = {pair for pair in [*wanted, *others] if parse(*pair, everything).awx_ref}
    assert found == wanted


def parse(service: str, event: str, payload: Any) -> Event:
    headers = {"content-type": "application/json", **HEADERS[service](event)}
    body = json.dumps({**payload, "eventType": event} if service == "azure_devops" else payload).encode()
    delivery = Delivery(headers=headers, body=body, received=datetime.now(UTC))
    return load_services()[service].parse(delivery)


def test_the_normal_form_is_documented_in_full() -> None:
    rows = {row[0]: " ".join(row[1:]) for row in table_under(DOCS / "payload.md", "The normal form")}
    inner = {"payload", "awx_ref", "awx_status_api", "status_target"}  # other variables, or none
    assert list(rows) == [field.name for field in fields(Event) if field.name not in inner]
    for name, words in {
        "kind": get_args(Kind),
        "action": get_args(Action),
        "repository": [field.name for field in fields(Repository)],
        "pull_request": [field.name for field in fields(PullRequest)],
    }.items():
        assert [word for word in words if f"`{word}" not in f"`{rows[name]}"] == [], name


def test_settings_that_reach_jobs_are_listed() -> None:
    listed = set(re.findall(r"`(ANSIBLE_[A-Z_]+)`", (DOCS / "jobs.md").read_text()))
    assert listed == set(ANSIBLE_SETTINGS)


def test_the_threats_are_complete() -> None:
    rows = table_under(DOCS / "security.md", "Threats")
    assert [row[0] for row in rows] == [f"S{number}" for number in range(1, 19)]
    not_built = (DOCS / "security.md").read_text().partition("## What is not built yet")[2]
    assert [row[0] for row in rows if row[2] == "not built" and f"**{row[0]}**" not in not_built] == []


def test_tests_that_the_threats_name_exist() -> None:
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", (DOCS / "security.md").read_text())
    assert len(named) > 10
    tests = TOP / "receiver/tests"
    missing = [
        f"{file}::{name}" for file, name in named if f"def {name}(" not in (tests / file).read_text(encoding="utf-8")
    ]
    assert missing == []


def playbooks(page: Path) -> Iterator[Any]:
    for block in blocks(page, "yaml"):
        yield yaml.safe_load(block)
    for block in blocks(page, "bash"):
        for inner in re.findall(r"(?ms)\.yml <<'EOF'\n(.*?)^EOF$", block):
            yield yaml.safe_load(inner)


@every_page
def test_playbooks_name_plays_and_use_options_that_modules_have(page: Path) -> None:
    for playbook in playbooks(page):
        for play in playbook:
            assert {"name", "hosts"} <= set(play)
            for task in play.get("tasks", []):
                for module, given in task.items():
                    if module.startswith("playhook.webhooks."):
                        assert set(given) - options_of(module.rpartition(".")[2]) == set(), f"{module} in {play}"


def options_of(module: str) -> set[str]:
    path = TOP / "plugins/modules" / f"{module}.py"
    documentation = generate._constant(path, "DOCUMENTATION")
    options = {name for name, each in documentation["options"].items() for name in (name, *each.get("aliases", []))}
    fragments = documentation["extends_documentation_fragment"]
    shared = (name for name in ("auth", "webhook", "survey") if f"playhook.webhooks.{name}" in fragments)
    return options.union(*(generate._fragment(name)["options"] for name in shared))


def test_every_rule_is_documented() -> None:
    page = DOCS / "rules.md"
    assert [row[0] for row in table_under(page, "Filters")] == list(RULES)
    assert {row[0] for row in table_under(page, "Presets")} == set(PRESETS)
    assert {f"`{name}`" for name in KEYS} <= set(re.findall(r"`\w+`", page.read_text()))
    taken = table_under(page, "Values from the payload")[0][0]
    assert set(re.findall(r"\w+", taken)) == set(FIELDS)


def test_what_may_be_set_on_a_job_template_is_documented() -> None:
    listed = [row[0] for row in table_under(DOCS / "reference/http.md", "The webhook key")]
    assert set(re.findall(r"\w+", " ".join(listed))) == set(writable_keys(stored_keys("workflow_job_template")))


def test_examples_of_rules_are_right() -> None:
    examples = [json.loads(block)["playhook"] for block in blocks(DOCS / "rules.md", "json")]
    assert len(examples) == 2
    assert [validate_rules(example) for example in examples] == [{}, {}]
