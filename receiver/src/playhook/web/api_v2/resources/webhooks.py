# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The webhook of a template: its service, its credential, its key, and what of it is ours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from starlette.responses import Response

from playhook.errors import InvalidInput
from playhook.intake.launch_values import complain_of_workflow
from playhook.intake.rules import KEYS as RULES
from playhook.intake.rules import validate_rules
from playhook.services.base import Service
from playhook.store.collections import Row
from playhook.store.credentials import ENCRYPTED
from playhook.store.tx import Tx
from playhook.store.webhook_keys import LONGEST_GRACE, check_key, delete_keys, find_key, rotate_key
from playhook.web.api_v2.call import ApiContext, Call, answer
from playhook.web.api_v2.resource import Shown, Written
from playhook.web.api_v2.resources.checks import check_keys
from playhook.web.api_v2.write import Draft

_READ_ONLY: Final = ("webhook_url", "webhook_key_fingerprint")
_STORED: Final = frozenset({"status_context"}) | RULES
_WORKFLOWS_OWN: Final = "node_statuses"
_DEFAULTS: Final[Mapping[str, Any]] = {"allow_sha1": False, "status_context": "", _WORKFLOWS_OWN: False}
_LONGEST_CONTEXT: Final = 255


def writable_keys(stored: Iterable[str]) -> dict[str, bool]:
    """Return the keys of a `playhook` object; each with whether it may be written."""
    return {**dict.fromkeys(_READ_ONLY, False), "webhook_key": True, **dict.fromkeys(sorted(stored), True)}


def stored_keys(template_type: str) -> frozenset[str]:
    """Return what is stored of a template's `playhook`; a workflow may have each of its nodes post a status too."""
    return _STORED | {_WORKFLOWS_OWN} if template_type == "workflow_job_template" else _STORED


def service_choices(services: Mapping[str, Service]) -> tuple[tuple[str, str], ...]:
    """Return what `webhook_service` may be."""
    return (("", "---------"), *((name, each.label) for name, each in services.items()))


def show_playhook(context: ApiContext, row: Row, path: str, fingerprint: str | None, stored: Iterable[str]) -> Shown:
    """Return the `playhook` key of a template, or of an endpoint, which has fewer keys `stored`."""
    return {
        "webhook_url": f"{context.settings.public_url}{path}" if path else None,
        "webhook_key": ENCRYPTED if fingerprint is not None else "",
        "webhook_key_fingerprint": fingerprint,
        **{name: value for name, value in {**_DEFAULTS, **(row["playhook"] or {})}.items() if name in stored},
    }


def check_webhook(draft: Draft) -> None:
    """Judge the service, the credential that posts statuses, and our own key."""
    _check_credential(draft)
    check_playhook(draft, writable_keys(stored_keys(draft.resource.type)), "webhook_service")
    if draft.resource.type == "workflow_job_template":
        wrong = complain_of_workflow((draft.values.get("playhook") or {}).get("vars_from_payload") or {})
        if wrong:
            sentences = [f"vars_from_payload.{name}: {text.capitalize()}." for name, text in wrong.items()]
            raise InvalidInput({"playhook": sentences})


def check_playhook(draft: Draft, known: Mapping[str, bool], service_column: str) -> None:
    """Judge the `playhook` key, and again what is stored of it when the service changes: its options are checked too.

    Raises InvalidInput.
    """
    given = check_keys(draft.body["playhook"], known) if "playhook" in draft.body else {}
    key = given.pop("webhook_key", ENCRYPTED)
    if key != ENCRYPTED and key != "":  # either means: leave it
        _in_playhook(check_key, key)
        draft.extra["webhook_key"] = key
    kept = (draft.current or {}).get("playhook") or {} if draft.mode == "PATCH" else {}
    wanted = {name: value for name, value in {**kept, **given}.items() if value is not None}  # null: take it away
    if draft.mode != "PATCH" or given or draft.is_changed(service_column):
        _check_rules(wanted, draft.call.context.services.get(draft.get(service_column) or ""))
        draft.values["playhook"] = wanted


def _check_credential(draft: Draft) -> None:
    credential = draft.find("credentials", draft.get("webhook_credential_id"))
    if credential is None:
        return
    kind = draft.find("credential_types", credential["credential_type_id"]) or {}
    if kind.get("kind") != "token":
        draft.fail("webhook_credential", "Must be a Personal Access Token.")
        return
    service = draft.call.context.services.get(draft.get("webhook_service") or "")
    if service is None or service.credential_type != kind.get("namespace"):
        draft.fail("webhook_credential", "Must match the selected webhook service.")


def _check_rules(wanted: Mapping[str, Any], service: Service | None) -> None:
    context = wanted.get("status_context", "")
    problems = validate_rules(wanted, service)
    if not isinstance(wanted.get(_WORKFLOWS_OWN, False), bool):
        problems[_WORKFLOWS_OWN] = ["true or false is wanted."]
    if not isinstance(context, str) or len(context) > _LONGEST_CONTEXT or not context.isprintable():
        problems["status_context"] = [f"One line of at most {_LONGEST_CONTEXT} characters is wanted."]
    if problems:
        sentences = [f"{place}: {text}" for place, texts in problems.items() for text in texts]
        raise InvalidInput({"playhook": sentences})


def _in_playhook(check: Any, value: Any) -> None:
    try:
        check(value)
    except InvalidInput as error:
        sentences = [f"{name}: {text}" for name, texts in error.messages.items() for text in texts]
        raise InvalidInput({"playhook": sentences}) from None


def store_webhook(tx: Tx, written: Written) -> None:
    """Give a template a key when its service is switched on or changed, and take it away with the service."""
    before = written.before["webhook_service"] if written.before else ""
    service = written.after["webhook_service"]
    given = written.draft.extra.get("webhook_key")
    if service != before:
        delete_keys(tx, written.row_id)
    if service and (given or service != before):
        rotate_key(tx, written.row_id, given)


def store_copied_webhook(tx: Tx, row_id: int, row: Row, _user_id: int) -> None:
    """Give a copied template a key of its own."""
    if row["webhook_service"]:
        rotate_key(tx, row_id)


def show_webhook_key(call: Call, row: Row) -> Response:
    """Answer the current key, "" when there is none."""
    return answer({"webhook_key": find_key(call.connection, call.context.store.cipher, row["id"])})


def rotate_webhook_key(call: Call, row: Row) -> Response:
    """Make a new key, or take the one that is given."""
    return answer({"webhook_key": call.write(rotate_key, row["id"], *read_rotation(call.body))}, 201)


def read_rotation(body: Mapping[str, Any]) -> tuple[str | None, int]:
    """Return the key that is given, if any, and `grace`: for how many seconds the old one stays valid."""
    given = body.get("webhook_key")
    key = None if given is None or given == "" else check_key(given)
    grace = body.get("grace", 0)
    if isinstance(grace, bool) or not isinstance(grace, int) or not 0 <= grace <= LONGEST_GRACE:
        raise InvalidInput({"grace": [f"A whole number of seconds from 0 to {LONGEST_GRACE} is required."]})
    return key, grace
