# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`survey_spec/` below a template: the questions that its launches ask."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from starlette.responses import Response

from playhook.domain.survey import check_survey
from playhook.errors import NotFound, Refusal
from playhook.store.collections import Row
from playhook.store.objects import find_rows, update_row
from playhook.store.surveys import seal_survey, show_survey
from playhook.store.tx import Tx
from playhook.web.api_v2.call import Call, answer
from playhook.web.api_v2.fields import Field
from playhook.web.api_v2.resource import Action, Shown

_TABLE: Final = "unified_job_templates"


def summarize_survey(row: Row, shown: Shown) -> None:
    """Show a template's survey in its summary."""
    survey = row["survey_spec"] or {}
    if "name" in survey:
        shown["summary_fields"]["survey"] = {"title": survey["name"], "description": survey["description"]}


def _show(_call: Call, row: Row) -> Response:
    return answer(show_survey(row["survey_spec"] or {}))


def _replace(call: Call, row: Row) -> Response:
    try:
        survey = check_survey(call.body)
    except ValueError as error:
        raise Refusal(str(error)) from None
    call.write(_store, row["id"], survey, call.principal.id)
    return Response(status_code=200)


def _remove(call: Call, row: Row) -> Response:
    call.write(_store, row["id"], {}, call.principal.id)
    return Response(status_code=200)


def _store(tx: Tx, template_id: int, survey: Mapping[str, Any], user_id: int) -> None:
    template = find_rows(tx.connection, _TABLE, [template_id]).get(template_id)
    if template is None:
        raise NotFound("The template has been deleted.")
    sealed = seal_survey(tx.cipher, survey, template["survey_spec"] or {}) if survey else {}
    update_row(tx, _TABLE, template_id, {"survey_spec": sealed}, user_id)
    tx.config_changed()


SURVEY: Final = Action(
    name="survey_spec",
    methods={"GET": _show, "POST": _replace, "DELETE": _remove},
    label="Survey",
    silent=frozenset({"POST", "DELETE"}),
    fields=(
        Field(name="name", kind="string", required=True),
        Field(name="description", kind="string", required=True),
        Field(name="spec", kind="list", required=True, help_text="The questions, in order."),
    ),
)
