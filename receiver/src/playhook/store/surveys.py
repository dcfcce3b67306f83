# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Surveys in the store, and the variables of launches: passwords are encrypted, and kept apart from what is shown.

Where variables are stored, a password stands as `$encrypted$`; what it is, encrypted, is in the column
`survey_passwords` beside them. So whatever reads the variables has no secret to lose.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from playhook.domain.survey import HIDDEN, Question, find_default, password_variables, questions_of
from playhook.domain.variables import parse_variables
from playhook.errors import Refusal
from playhook.store.encryption import Cipher, is_encrypted


@dataclass(frozen=True, kw_only=True)
class Variables:
    """Variables as they are shown, and the encrypted passwords among them."""

    shown: Mapping[str, Any] = field(default_factory=dict)
    passwords: Mapping[str, str] = field(default_factory=dict, repr=False)

    def under(self, *others: Variables) -> Variables:
        """Return these with others over them; the last wins."""
        shown, passwords = dict(self.shown), dict(self.passwords)
        for other in others:
            shown |= other.shown
            kept = {name: value for name, value in passwords.items() if name not in other.shown}
            passwords = {**kept, **other.passwords}
        return Variables(shown=shown, passwords=passwords)

    def only(self, names: set[str]) -> Variables:
        """Return those of these names."""
        return Variables(
            shown={name: value for name, value in self.shown.items() if name in names},
            passwords={name: value for name, value in self.passwords.items() if name in names},
        )

    @property
    def columns(self) -> dict[str, Any]:
        """Return the columns of a job that hold them."""
        return {"extra_vars": json.dumps(dict(self.shown)), "survey_passwords": dict(self.passwords)}


def variables_of(row: Mapping[Any, Any]) -> Variables:
    """Return the variables of a job. Raises ValueError where they are no dictionary."""
    return Variables(shown=parse_variables(row["extra_vars"]), passwords=row["survey_passwords"])


def template_variables(cipher: Cipher, template: Mapping[Any, Any]) -> Variables:
    """Return a template's own variables, with the defaults of its survey over them. Raises ValueError."""
    own = Variables(shown=parse_variables(template["extra_vars"]))
    defaults: dict[str, Any] = {}
    for question in questions_of(template):
        stored: Any = question.get("default")
        default = find_default(question, cipher.decrypt(stored) if is_encrypted(stored) else stored)
        if default is not None:
            defaults[question["variable"]] = default
    return own.under(seal_answers(cipher, questions_of(template), defaults))


def seal_answers(
    cipher: Cipher, questions: Sequence[Question], given: Mapping[str, Any], old: Mapping[str, str] | None = None
) -> Variables:
    """Encrypt the passwords among answers. `$encrypted$` means the one in `old`; without one it is no answer."""
    shown, passwords = dict(given), {}
    secret = password_variables(questions) | set(old or {})
    for name in secret & set(given):
        if given[name] != HIDDEN and name in password_variables(questions):
            passwords[name] = cipher.encrypt(given[name])
            shown[name] = HIDDEN
        elif given[name] == HIDDEN and old and name in old:
            passwords[name] = old[name]
        elif given[name] == HIDDEN:
            del shown[name]
    return Variables(shown=shown, passwords=passwords)


def seal_survey(cipher: Cipher, survey: Mapping[str, Any], old: Mapping[str, Any]) -> dict[str, Any]:
    """Return a survey as it is stored: defaults of passwords encrypted, `$encrypted$` as it was. Raises Refusal."""
    kept = {each["variable"]: each for each in old.get("spec", ())}
    questions = []
    for index, question in enumerate(survey["spec"]):
        sealed = dict(question)
        if question["type"] == "password" and question.get("default"):
            if question["default"].startswith(HIDDEN):
                before = kept.get(question["variable"], {}).get("default")
                if before != "" and not is_encrypted(before):
                    sentence = f"{HIDDEN} is a reserved keyword, may not be used for new default in position {index}."
                    raise Refusal(sentence)
                sealed["default"] = before
            else:
                sealed["default"] = cipher.encrypt(question["default"])
        questions.append(sealed)
    return {**survey, "spec": questions}


def show_survey(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return a survey as it may be read."""
    if "spec" not in stored:
        return {}
    questions = [
        {**each, "default": HIDDEN} if each["type"] == "password" and each.get("default") else each
        for each in stored["spec"]
    ]
    return {**stored, "spec": questions}
