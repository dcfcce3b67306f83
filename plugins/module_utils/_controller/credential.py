# Copyright: Playhook contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plan a credential: its secrets are compared by the server, and never read back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from ansible.module_utils.common.text.converters import to_text
from ansible.module_utils.parsing.convert_bool import boolean
from ansible_collections.playhook.webhooks.plugins.module_utils._controller.client import connect
from ansible_collections.playhook.webhooks.plugins.module_utils._controller.fields import (
    Field,
    plain_field,
    plain_fields,
    plan_absence,
    plan_fields,
    reference_field,
)
from ansible_collections.playhook.webhooks.plugins.module_utils._errors import InvalidOption, NotFound
from ansible_collections.playhook.webhooks.plugins.module_utils._keys import refuse_mask
from ansible_collections.playhook.webhooks.plugins.module_utils._plan import set_or_changed

# What the API shows in the place of a secret, and takes for "keep it".
ENCRYPTED = "$encrypted$"
# A secret of this value is asked for at launch; the API shows it as it is.
_ASK = "ASK"


def ensure_credential(params, check_mode):
    """Make the credential as the options say; return the module's result and those inputs that are no secret."""
    controller = connect(params, check_mode)
    organization = controller.get_named("organizations", params["organization"])
    kind = controller.get_named("credential_types", params["credential_type"])
    identity = [
        plain_field("name", params["name"], None),
        reference_field("organization", organization, None),
        reference_field("credential_type", kind, None),
    ]
    existing = controller.find("credentials", params["name"], organization=organization.id, credential_type=kind.id)
    if params["state"] == "absent":
        plan = plan_absence(identity, existing)
    else:
        fields = plain_fields(["description"], params, existing)
        if params["inputs"] is not None:
            fields.append(_inputs_field(controller, _declared(kind), params, existing))
        plan = plan_fields("credentials", identity, fields, existing)
    plan = replace(plan, warnings=tuple(controller.warnings))
    subject = plan.subject if check_mode else plan.apply(controller.send)["subject"]
    return dict(plan.result, id=(subject or {}).get("id")), _not_secret(_declared(kind), params)


def _declared(kind):
    return {field["id"]: field for field in (kind.content.get("inputs") or {}).get("fields", [])}


def _not_secret(declared, params):
    inputs = params["inputs"] or {}
    secrets = [value for name, value in inputs.items() if _is_secret(declared, name)]
    secrets += [params["controller_password"], params["controller_oauthtoken"]]
    return {to_text(value) for value in inputs.values()} - {to_text(secret) for secret in secrets}


@dataclass(frozen=True)
class _Input:
    name: str
    wanted: Any
    differs: bool
    before: Any
    after: Any


def _inputs_field(controller, declared, params, existing):
    """Return the field that holds all inputs.

    The API replaces the inputs as a whole: those that stay are sent back as they were shown, secrets as a mask that
    the server takes for "keep it".
    """
    wanted = _wanted_inputs(declared, params["inputs"])
    current = (existing or {}).get("inputs") or {}
    masked = {
        name: value for name, value in wanted.items() if value and value != _ASK and current.get(name) == ENCRYPTED
    }
    changed = _changed_secrets(controller, existing, masked, params["update_secrets"]) if masked else ()
    inputs = []
    for name, value in wanted.items():
        differs = name in changed if name in masked else current.get(name, "") != value
        before, after = current.get(name), value
        if _is_secret(declared, name):
            before, after = set_or_changed(bool(before), value != "", differs)
        inputs.append(_Input(name, value, differs, before, after))
    return Field(
        name="inputs",
        wanted=dict(current, **{item.name: item.wanted for item in inputs if item.differs}),
        differs=existing is None or any(item.differs for item in inputs),
        before={item.name: item.before for item in inputs},
        after={item.name: item.after for item in inputs},
    )


def _wanted_inputs(declared, inputs):
    wanted = {}
    for name, value in inputs.items():
        if declared and name not in declared:
            raise InvalidOption(
                "inputs has {!r}, which this credential type does not know. It knows: {}.".format(
                    name, ", ".join(sorted(declared))
                )
            )
        if value is None or value == ENCRYPTED:
            continue
        if declared.get(name, {}).get("type") == "boolean":
            wanted[name] = boolean(value)
        else:
            wanted[name] = to_text(value)
            refuse_mask(f"inputs: {name}", wanted[name])
    return wanted


def _changed_secrets(controller, existing, secrets, update_secrets):
    """Return the names of those secrets that are not what the server holds; the server must hold all of them."""
    try:
        compared = controller.send("POST", existing["url"] + "compare/", {"inputs": secrets})["inputs"]
    except NotFound:
        # AWX compares nothing, so there the user decides.
        return tuple(secrets) if update_secrets else ()
    return tuple(name for name in secrets if compared.get(name) != "same")


def _is_secret(declared, name):
    # An input that cannot be looked up, because its type does not exist yet, may be one.
    return bool(declared.get(name, {"secret": True}).get("secret"))
