# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The examples of the pages about filters do what their headings say, and the tables list what there is."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest
from tests.unit.intake.builders import COMMENT, PULL_REQUEST, PUSH, TAG, judged

from playhook.domain.event import Event, Kind
from playhook.intake import deadline, expressions, filters, launch_values, places, receive, regexes
from playhook.intake.launch_values import FIELDS
from playhook.intake.rules import PRESETS, validate_rules

DOCS = Path(__file__).resolve().parents[4] / "docs"
HOWTO, REFERENCE = ((DOCS / name).read_text(encoding="utf-8") for name in ("howto/filters.md", "reference/filters.md"))
DEPLOYMENT = replace(
    PUSH, kind="other", type="deployment", payload={"deployment": {"environment": "review-7", "ref": "v1"}}
)


def _examples(page: str) -> dict[str, list[dict[str, Any]]]:
    """Return the JSON blocks by heading."""
    sections = re.split(r"(?m)^## ", page)[1:]
    return {
        section.partition("\n")[0]: [json.loads(each) for each in re.findall(r"```json\n(.*?)```", section, re.DOTALL)]
        for section in sections
    }


EXAMPLES = _examples(HOWTO)


def test_every_example_may_be_saved() -> None:
    assert [validate_rules(example) for of_heading in EXAMPLES.values() for example in of_heading] == [{}] * 10


@pytest.mark.parametrize(
    ("heading", "number", "event", "launches"),
    [
        ("Start with a preset", 0, PULL_REQUEST, True),
        ("Start with a preset", 0, TAG, False),
        ("Start with a preset", 1, PUSH, True),
        ("Start with a preset", 2, COMMENT, True),
        ("Start with a preset", 3, PUSH, False),
        ("Start with a preset", 3, replace(PUSH, branch="production"), True),
        ("Pushes to main, and pull requests into main", 0, PUSH, True),
        ("Pushes to main, and pull requests into main", 0, PULL_REQUEST, True),
        ("Pushes to main, and pull requests into main", 0, replace(PULL_REQUEST, base_branch="next"), False),
        ("Pushes to main, and pull requests into main", 0, replace(PUSH, action="deleted"), False),
        ("Release tags", 0, TAG, True),
        ("Release tags", 0, replace(TAG, tag="v2.0-rc1"), False),
        ("Release tags", 0, replace(TAG, action="deleted"), False),
        ("Only when certain files change", 0, PUSH, True),
        ("Only when certain files change", 0, replace(PUSH, changed_paths=("roles/web/README.md", "a")), False),
        ("A command in a comment", 0, replace(COMMENT, comment="/deploy staging"), True),
        ("A command in a comment", 0, replace(COMMENT, comment="/deploy anywhere"), False),
        ("A command in a comment", 0, replace(COMMENT, comment="/deploy staging", sender="mallory"), False),
        ("A command in a comment", 0, replace(COMMENT, comment="/deploy staging", action="edited"), False),
        ("A command in a comment", 0, replace(COMMENT, comment="/deploy staging", pull_request=None), False),
        ("Limit, branch or inventory from the event", 0, DEPLOYMENT, True),
        (
            "Limit, branch or inventory from the event",
            0,
            replace(DEPLOYMENT, payload={"deployment": {"environment": "production"}}),
            False,
        ),
    ],
)
def test_example_does_what_its_heading_says(heading: str, number: int, event: Event, launches: bool) -> None:
    assert judged(EXAMPLES[heading][number], event).verdict.launch is launches


def test_presets_are_written_out_as_they_are() -> None:
    shown = dict(re.findall(r"(?m)^\| `(\w+)` \| `(\{.*\})` \|$", REFERENCE))
    assert {name: json.loads(text) for name, text in shown.items()} == PRESETS


def test_verdict_is_shown_as_it_is() -> None:
    (shown,) = _examples(REFERENCE)["The verdict"]
    assert judged({"filters": {"branches": ["main"]}}, replace(PUSH, branch="topic")).verdict.record() == shown


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("filters", expressions._FILTERS),
        ("tests", expressions._ENVIRONMENT.tests),
        ("methods of texts", expressions._METHODS),
    ],
)
def test_functions_of_expressions_are_all_listed(row: str, words: Any) -> None:
    (cells,) = re.findall(rf"(?m)^\| {row} \| (.*) \|$", REFERENCE)
    assert re.findall(r"`(\w+)", cells) == sorted(words)


def test_kinds_and_fields_are_all_listed() -> None:
    section = REFERENCE.split("## Values from the payload")[1].split("\n## ")[0]
    rows = re.findall(r"(?m)^\| (`.*?`) \| (`.*?`) \|", section)
    names = [name for cell, _ in rows for name in re.findall(r"`(\w+)`", cell)]
    asked = [name for _, cell in rows for name in re.findall(r"`ask_(\w+)_on_launch`", cell)]
    assert dict(zip(names, asked, strict=True)) == {name: field.ask for name, field in FIELDS.items()}
    assert all(f"`{kind}`" in REFERENCE for kind in get_args(Kind))


def test_limits_are_those_of_the_code() -> None:
    section = REFERENCE.split("## Limits")[1].split("\n## ")[0]
    numbers = [int(each.replace(",", "")) for each in re.findall(r"(?<=[ |])\d[\d,]*\d(?= |,|$)", section)]
    assert numbers == [
        places.MOST_ENTRIES,
        places.LONGEST_TEXT,
        filters.MOST_EXPRESSIONS,
        expressions.LONGEST,
        expressions.MOST_PARTS,
        filters.MOST_ALTERNATIVES,
        filters.MOST_IN_ALTERNATIVES,
        regexes.LONGEST_PATTERN,
        regexes.LONGEST_TEXT,
        round(regexes.LIMIT * 1000),
        round(deadline.LIMIT * 1000),
        receive._MOST_PATHS,
        launch_values.MOST_VALUES,
        launch_values.LONGEST,
        launch_values.LARGEST,
    ]
    assert expressions.LIMIT == regexes.LIMIT
