# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of events says what the tables of the contract tests say, which are made by hand from the payloads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.contract.services.deliveries import EVENT_HEADERS, GUID_HEADERS
from tests.contract.services.expected import cases
from tests.contract.services.test_samples import PROOFS

from playhook.services.registry import load_services

SERVICES = load_services()
PAGE = (Path(__file__).parents[3] / "docs/reference/events.md").read_text()
LISTED = {"azure_devops", "bitbucket_cloud", "bitbucket_dc", "gitea", "github", "gitlab"}


def rows_under(heading: str) -> Iterator[list[str]]:
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    for line in re.findall(r"(?m)^\|(.*)\|$", section)[2:]:
        yield [cell.strip() for cell in line.split(" | ")]


def words(cell: str) -> set[str]:
    return set(re.findall(r"`([^`]+)`", cell))


def test_every_service_says_what_proves_its_deliveries() -> None:
    rows = {words(row[0]).pop(): row for row in rows_under("Deliveries")}

    assert sorted(rows) == sorted(SERVICES)
    for name, (_, proof, event_type, guid, _ping) in rows.items():
        if name == "generic":
            continue
        header, _ = PROOFS[name](b"{}")
        assert header.lower() in proof.lower()
        assert EVENT_HEADERS.get(name, "payload") in event_type.lower()
        assert GUID_HEADERS.get(name, {"standard_webhooks": "webhook-id"}.get(name, "payload")) in guid.lower()


@pytest.mark.parametrize("name", sorted(LISTED))
def test_every_recorded_event_is_on_the_page(name: str) -> None:
    rows = rows_under(SERVICES[name].label)
    told = {(words(event).pop(), words(kind).pop()): words(actions) for event, kind, actions in rows}
    for recording, wanted in cases():
        if recording.service == name and wanted["kind"] != "other":
            actions = told[recording.event_type, wanted["kind"]]
            assert wanted.get("action") in {None, *actions}, recording


def test_what_is_not_on_the_page_is_other() -> None:
    kinds = {(recording.service, wanted["kind"]) for recording, wanted in cases() if recording.service not in LISTED}

    assert {kind for _, kind in kinds} == {"other"}
    assert {service for service, _ in kinds} == set(SERVICES) - LISTED
