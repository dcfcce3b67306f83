# Copyright: Playhook contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The webhook of a template of either kind: its address, its key, and the key's fingerprint."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.playhook.webhooks.plugins.module_utils._controller.fields import reference_field
from ansible_collections.playhook.webhooks.plugins.module_utils._errors import InvalidOption, UnexpectedAnswer
from ansible_collections.playhook.webhooks.plugins.module_utils._keys import key_fingerprint, refuse_mask
from ansible_collections.playhook.webhooks.plugins.module_utils._plan import Step, set_or_changed

# What check mode returns for what only a real run makes.
UNKNOWN_ID = "ID"
UNKNOWN_KEY = "(known after apply)"

_SHORTEST, _LONGEST = 20, 64


def refuse_unusable(params):
    """Raise InvalidOption for webhook options that cannot work, whatever the server holds."""
    key = params["webhook_key"]
    refuse_mask("webhook_key", key)
    if key is not None and not _SHORTEST <= len(key) <= _LONGEST:
        raise InvalidOption(f"webhook_key has {len(key)} characters; the receiver takes {_SHORTEST} to {_LONGEST}.")
    if params["webhook_service"] == "" and (key is not None or params["rotate_webhook_key"]):
        raise InvalidOption(
            "webhook_service is empty, which removes the key: webhook_key and rotate_webhook_key need a service."
        )


def credential_field(params, references, existing):
    """Return the field that takes the credential away together with the service, or none.

    A credential without a service is refused.
    """
    if params["webhook_service"] != "" or "webhook_credential" in references:
        return []
    return [reference_field("webhook_credential", None, existing)] if (existing or {}).get("webhook_credential") else []


def with_key(plan, controller, resource, params):
    """Return the plan with the key set or rotated as the options say.

    The server makes a new key when the service is switched on or changed. So a rotation needs no step then, and an own
    key always needs one.
    """
    service_before = (plan.subject or {}).get("webhook_service") or ""
    service = service_before if params["webhook_service"] is None else params["webhook_service"]
    if not service:
        _refuse_without_service(resource, params)
        return _with_shown_key(plan, bool(service_before), False, False) if service_before else plan
    replaced = service != service_before
    step = _key_step(plan, controller, params, replaced)
    plan = _with_shown_key(plan, bool(service_before), True, replaced or step is not None)
    return replace(plan, steps=(*plan.steps, step)) if step else plan


def shown(controller, resource, params, plan, answers, check_mode):
    """Return what the module says of the webhook; in check mode, what it would be as far as that is known."""
    template = answers["subject"] or {}
    service = (
        template.get("webhook_service")
        if params["webhook_service"] is None or not check_mode
        else params["webhook_service"]
    )
    if not service:
        return {"webhook_url": None, "key_fingerprint": None}
    if check_mode and plan.after.get("webhook_key") != plan.before.get("webhook_key"):
        key, fingerprint = UNKNOWN_KEY, key_fingerprint(params["webhook_key"]) if params["webhook_key"] else None
    else:
        key, fingerprint = _key_now(controller, params, template, answers)
    webhook_url = _webhook_url(controller, resource, template, service)
    result = {"webhook_url": webhook_url, "key_fingerprint": fingerprint}
    return dict(result, webhook_key=key) if params["return_webhook_key"] else result


def _refuse_without_service(resource, params):
    for option in ("webhook_key", "rotate_webhook_key"):
        if params[option]:
            raise InvalidOption(
                "{} needs webhook_service: {} {!r} has no webhook.".format(option, _kind(resource), params["name"])
            )


def _with_shown_key(plan, was_set, is_set, differs):
    before, after = set_or_changed(was_set, is_set, differs)
    return replace(
        plan,
        before=dict(plan.before, webhook_key=before) if plan.before else {},
        after=dict(plan.after, webhook_key=after),
    )


def _key_step(plan, controller, params, replaced):
    key = params["webhook_key"]
    if key is None and (replaced or not params["rotate_webhook_key"]):
        return None
    ours = [name for name in ("webhook_key", "webhook_key_grace") if params[name]]
    if ours:
        controller.refuse_awx(ours, plan.subject)
    known = ((plan.subject or {}).get("playhook") or {}).get("webhook_key_fingerprint")
    if key is not None and not replaced and known == key_fingerprint(key):
        return None
    body = {"webhook_key": key, "grace": params["webhook_key_grace"]}
    return Step("POST", "webhook_key/", {name: value for name, value in body.items() if value}, "webhook_key")


def _key_now(controller, params, template, answers):
    """Return the key, or None where it need not be read, and its fingerprint."""
    key = (answers.get("webhook_key") or {}).get("webhook_key")
    if key is not None and params["webhook_key"] not in (None, key):
        raise UnexpectedAnswer(
            f"{controller.host} made a key of its own instead of taking webhook_key. Use return_webhook_key."
        )
    known = (template.get("playhook") or {}).get("webhook_key_fingerprint")
    if key is None and (params["return_webhook_key"] or known is None):
        key = controller.send("GET", template["url"] + "webhook_key/")["webhook_key"]
    return key, key_fingerprint(key) if key else known


def _kind(resource):
    return resource[:-1].replace("_", " ")


def _webhook_url(controller, resource, template, service):
    known = (template.get("playhook") or {}).get("webhook_url")
    if known and service == template.get("webhook_service"):
        return known
    return "{}/api/v2/{}/{}/{}/".format(controller.host, resource, template.get("id", UNKNOWN_ID), service)
