# Copyright: Playhook contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plan the survey of a template of either kind: a document below it, in which defaults of passwords are never shown."""

from __future__ import annotations

from dataclasses import replace

from ansible.module_utils.common.text.converters import to_text
from ansible_collections.playhook.webhooks.plugins.module_utils._plan import Step, set_or_changed

_SECRETS = ("controller_password", "controller_oauthtoken", "webhook_key")
_CHOSEN = ("multiplechoice", "multiselect")


def with_survey(plan, controller, params):
    """Return the plan with the survey as the option says; an empty one is removed."""
    wanted = params["survey_spec"]
    if wanted is None:
        return plan
    present = (controller.send("GET", plan.subject["url"] + "survey_spec/") if plan.subject else None) or {}
    held = {each["variable"] for each in _questions(present) if _is_secret(each)}
    unsure = params["update_survey_secrets"] and any(
        _is_secret(each) and each.get("variable") in held for each in _questions(wanted)
    )
    steps = plan.steps
    if unsure or _comparable(wanted) != _comparable(present):
        steps += (Step("POST", "survey_spec/", wanted) if wanted else Step("DELETE", "survey_spec/"),)
    before, after = _comparable(present), _comparable(wanted)
    for each in _questions(after):
        if each.get("default") == "set" and each.get("variable") in held:
            each["default"] = set_or_changed(True, True, unsure)[1]
    return replace(
        plan,
        before=dict(plan.before, survey_spec=before) if plan.before else {},
        after=dict(plan.after, survey_spec=after),
        steps=steps,
    )


def secret_variables(controller, template):
    """Return the variables that answer a question for a password, of a named template that a node runs."""
    if not template.content.get("survey_enabled"):
        return frozenset()
    survey = controller.send("GET", template.content["url"] + "survey_spec/") or {}
    return frozenset(each.get("variable") for each in _questions(survey) if each.get("type") == "password")


def not_secret(params):
    """Return the texts of the option survey_spec that are no secret, here or in another option."""
    survey = params["survey_spec"] or {}
    secrets = {params[name] for name in _SECRETS} | {each["default"] for each in _questions(survey) if _is_secret(each)}
    return set(_texts(survey)) - {to_text(each) for each in secrets}


def _comparable(survey):
    """Return a survey as it is compared and shown: as the server keeps it, and secrets as set."""
    if not survey:
        return {}
    return dict(survey, spec=[_kept(each) for each in _questions(survey)])


def _kept(question):
    kept = dict(question)
    if _is_secret(question):
        kept["default"] = "set"
    elif question.get("type") in _CHOSEN:
        for name in ("choices", "default"):
            if isinstance(question.get(name), str):
                kept[name] = "\n".join(line for line in question[name].splitlines() if line.strip())
    return kept


def _questions(survey):
    spec = survey.get("spec") or []
    return [each for each in spec if isinstance(each, dict)] if isinstance(spec, list) else []


def _is_secret(question):
    return question.get("type") == "password" and bool(question.get("default"))


def _texts(value):
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [text for each in value for text in _texts(each)]
    return [to_text(value)] if value is not None and not isinstance(value, bool) else []
