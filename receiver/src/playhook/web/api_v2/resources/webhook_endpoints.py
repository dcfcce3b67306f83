# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Webhook endpoints: one URL, with keys of its own, for several templates. Ours; AWX has none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from starlette.responses import Response

from playhook.intake.rules import ENDPOINT_KEYS, validate_repositories
from playhook.store.collections import Link, Row
from playhook.store.tx import Tx
from playhook.store.webhook_endpoints import (
    MOST_TEMPLATES,
    bind_templates,
    check_endpoint_name,
    delete_endpoint_keys,
    find_bindings,
    find_endpoint_fingerprints,
    find_endpoint_key,
    rotate_endpoint_key,
)
from playhook.web.api_v2.call import PREFIX, ApiContext, Call, answer
from playhook.web.api_v2.fields import BIGGEST, UNSET, Field, choice, text
from playhook.web.api_v2.render import Rendering
from playhook.web.api_v2.resource import SUMMARY, Action, Resource, Shown, Unique, Written
from playhook.web.api_v2.resources.standard_fields import DESCRIPTION
from playhook.web.api_v2.resources.webhooks import (
    check_playhook,
    read_rotation,
    service_choices,
    show_playhook,
    writable_keys,
)
from playhook.web.api_v2.write import Draft

_BOUND: Final = "webhook_endpoints.bound"
_FINGERPRINTS: Final = "webhook_endpoints.fingerprints"
_KEYS: Final = writable_keys(ENDPOINT_KEYS)


def _prepare(view: Rendering, rows: Sequence[Row], _detail: bool) -> None:
    ids = [row["id"] for row in rows]
    bound = find_bindings(view.connection, ids)
    view.facts[_BOUND].update(bound)
    view.facts[_FINGERPRINTS].update(find_endpoint_fingerprints(view.connection, ids))
    view.load(view.resources["unified_job_templates"], (each["template"] for one in bound.values() for each in one))


def _fill(view: Rendering, row: Row, shown: Shown) -> None:
    path = f"{PREFIX}webhooks/{row['service']}/{row['name']}/"
    fingerprint = view.facts[_FINGERPRINTS].get(row["id"])
    shown["templates"] = view.facts[_BOUND].get(row["id"], [])
    shown["related"]["webhook_receiver"] = path
    shown["summary_fields"]["templates"] = [_summarize(view, each["template"]) for each in shown["templates"]]
    shown["playhook"] = show_playhook(view.call.context, row, path, fingerprint, ENDPOINT_KEYS)


def _summarize(view: Rendering, template_id: int) -> Shown:
    row = view.find("unified_job_templates", template_id) or {}
    return view.summary(view.resources["unified_job_templates"], row)


def _check(draft: Draft) -> None:
    if "name" in draft.values:
        check_endpoint_name(draft.values["name"])
    for position, each in enumerate((draft.extra.get("templates") or ())[:MOST_TEMPLATES]):  # more are refused later
        if problems := _find_problems(each, f"templates[{position}]"):
            draft.fail("templates", *problems)
    draft.finish()
    check_playhook(draft, _KEYS, "service")


def _find_problems(binding: Any, place: str) -> list[str]:
    """Return what is wrong with one entry of `templates`, which is neither looked up nor compared with others here."""
    if not isinstance(binding, dict) or not set(binding) <= {"template", "repositories"}:
        return [f"{place}: An object with template and, if not all repositories are meant, repositories is wanted."]
    template_id = binding.get("template")
    if isinstance(template_id, bool) or not isinstance(template_id, int) or not 0 < template_id <= BIGGEST:
        return [f"{place}.template: The id of a job template is wanted."]
    repositories = binding.get("repositories")
    problems = {} if repositories is None else validate_repositories(repositories, f"{place}.repositories")
    return [f"{where}: {sentence}" for where, sentences in problems.items() for sentence in sentences]


def _store(tx: Tx, written: Written) -> None:
    """Bind the templates, and make a key when the endpoint is new or another service's, as for a template."""
    row_id, service = written.row_id, written.after["service"]
    is_other = written.before is None or written.before["service"] != service
    bindings = written.draft.extra.get("templates")
    if bindings is None and is_other:  # what is bound must be of the new service
        bindings = find_bindings(tx.connection, [row_id]).get(row_id)
    if bindings is not None:
        bind_templates(tx, row_id, service, bindings)
    given = written.draft.extra.get("webhook_key")
    if is_other:
        delete_endpoint_keys(tx, row_id)
    if given or is_other:
        rotate_endpoint_key(tx, row_id, given)


def _show_key(call: Call, row: Row) -> Response:
    return answer({"webhook_key": find_endpoint_key(call.connection, call.context.store.cipher, row["id"])})


def _rotate_key(call: Call, row: Row) -> Response:
    return answer({"webhook_key": call.write(rotate_endpoint_key, row["id"], *read_rotation(call.body))}, 201)


_RESOURCE: Final = Resource(
    name="webhook_endpoints",
    type="webhook_endpoint",
    model="WebhookEndpoint",
    table="webhook_endpoints",
    fields=(
        text("name", required=True, max_length=255, help_text="The last part of the URL of this {label}."),
        DESCRIPTION,
        choice("service", (("", "---------"),), required=True, default=UNSET,
               help_text="Service that webhook requests will be accepted from"),
        Field(name="templates", kind="list", default=UNSET,
              help_text="Job templates that get its deliveries: `template`, and `repositories` if not all are meant"),
    ),
    search=("name", "description"),
    forbidden=frozenset({"webhook_key"}),
    links={
        "templates": Link(target="unified_job_templates",
                          through=("webhook_endpoint_templates", "endpoint_id", "template_id")),
    },
    unique=(
        Unique(columns=("service", "name"),
               message="WebhookEndpoint with this (service, name) combination already exists."),
    ),
    related=("webhook_key",),
    ours='`webhook_url`, the rules and the options of the webhook endpoint.',
    sub=(
        Action(name="webhook_key", methods={"GET": _show_key, "POST": _rotate_key}, access={"GET": "administrators"}),
    ),
    summary=(*SUMMARY, "service"),
    cached_by_intake=True,
    prepare=_prepare,
    fill=_fill,
    check=_check,
    after=_store,
)  # fmt: skip


def webhook_endpoints(context: ApiContext) -> Resource:
    """Declare the resource; which services there are is known when the receiver starts."""
    choices = service_choices(context.services)[1:]
    fields = (replace(each, choices=choices) if each.name == "service" else each for each in _RESOURCE.fields)
    return replace(_RESOURCE, fields=tuple(fields))
