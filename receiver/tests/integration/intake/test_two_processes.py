# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one process remembers of a template is right from the moment another process has changed it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from sqlalchemy import delete, update
from tests.builders import WEBHOOK_KEY, add_template, add_webhook_key
from tests.integration.intake.plain import Plain, address_of, count_rows, make_delivery, receive

from playhook.errors import NotAuthentic
from playhook.intake.receive import Intake
from playhook.settings import Settings
from playhook.store import tables as t
from playhook.store.store import Store, open_store
from playhook.store.tx import Tx

pytestmark = pytest.mark.both_databases
NEW_KEY = "a-new-key-of-another-process"


@pytest.fixture
def other(store: Store, settings: Settings) -> Iterator[Store]:
    """The same database, opened as another process would."""
    opened = open_store(settings)
    yield opened
    opened.close()


def _change_template(tx: Tx, template_id: int, **values: object) -> None:
    templates = t.unified_job_templates
    tx.connection.execute(update(templates).where(templates.c.id == template_id).values(**values))
    tx.config_changed()


def _rotate(tx: Tx, template_id: int) -> None:
    tx.connection.execute(delete(t.webhook_keys).where(t.webhook_keys.c.template_id == template_id))
    add_webhook_key(tx, template_id, NEW_KEY)


def test_changed_rules_judge_the_next_delivery(store: Store, other: Store, intake: Intake) -> None:
    template_id = store.write(add_template)
    assert receive(intake, template_id, make_delivery(guid="1")).outcome == "launched"
    other.write(_change_template, template_id, playhook={"filters": {"branches": ["main"]}})
    assert receive(intake, template_id, make_delivery(guid="2")).outcome == "ignored"
    other.write(_change_template, template_id, playhook={})
    assert receive(intake, template_id, make_delivery(guid="3")).outcome == "launched"


def test_replaced_key_opens_nothing_and_the_new_one_does(store: Store, other: Store, intake: Intake) -> None:
    template_id = store.write(add_template)
    assert receive(intake, template_id, make_delivery(guid="1")).outcome == "launched"
    other.write(_rotate, template_id)
    with pytest.raises(NotAuthentic):
        receive(intake, template_id, make_delivery(guid="2", token=WEBHOOK_KEY))
    assert receive(intake, template_id, make_delivery(guid="3", token=NEW_KEY)).outcome == "launched"


def test_webhook_that_was_switched_off_takes_nothing(store: Store, other: Store, intake: Intake) -> None:
    template_id = store.write(add_template)
    assert receive(intake, template_id, make_delivery(guid="1")).outcome == "launched"
    other.write(_change_template, template_id, webhook_service="")
    with pytest.raises(NotAuthentic):
        receive(intake, template_id, make_delivery(guid="2"))


def test_equal_deliveries_to_two_processes_make_one_job(store: Store, other: Store, intake: Intake) -> None:
    template_id, second = store.write(add_template), Intake(other, {"plain": Plain()})

    async def deliver_everywhere() -> list[str]:
        sending = [
            each.receive_delivery(address_of(template_id), make_delivery(guid=str(guid)))
            for guid in range(20)
            for each in (intake, second, intake, second)
        ]
        return [accepted.outcome for (accepted,) in await asyncio.gather(*sending)]

    outcomes = asyncio.run(deliver_everywhere())
    assert (outcomes.count("launched"), outcomes.count("duplicate")) == (20, 60)
    assert count_rows(store, t.unified_jobs) == 20
