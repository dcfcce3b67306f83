# Copyright: Playhook contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plan, then apply: the whole plan is computed before the first write, and check mode is a plan that is not applied."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin

from ansible_collections.playhook.webhooks.plugins.module_utils._errors import ServerRefused


@dataclass(frozen=True)
class Step:
    """One write.

    path is absolute, or relative to the object that under names ("" is the object itself, "hosts/" a part of it), so
    that a plan can write below an object that it creates. gives names the answer for the caller and for later steps;
    "subject" makes the answer the plan's subject from then on. A value of the body may be an IdOf. about is the part of
    the object that a refusal names, where the address alone says too little.
    """

    method: str
    path: str
    body: dict[str, Any] | None = None
    gives: str = ""
    under: str = "subject"
    about: str = ""


@dataclass(frozen=True)
class IdOf:
    """The id of what a step before this one made, by the name that the step gives it."""

    name: str


@dataclass(frozen=True)
class Plan:
    """What would be written, and the object before and after it; secrets are shown only as set or changed."""

    before: dict[str, Any]
    after: dict[str, Any]
    steps: tuple[Step, ...] = ()
    subject: dict[str, Any] | None = None
    warnings: tuple[str, ...] = field(default=())

    @property
    def result(self):
        """Return what every module returns, in check mode or not; main() gives the warnings as such."""
        return {
            "changed": bool(self.steps),
            "diff": {"before": self.before, "after": self.after},
            "warnings": list(self.warnings),
        }

    def apply(self, send):
        """Write all steps in order and return the named answers; "subject" is the object as it is afterwards, or None.

        send(method, path, body) returns the answer's body.
        """
        answers = {"subject": self.subject}
        for step in self.steps:
            path = urljoin((answers[step.under] or {}).get("url", ""), step.path)
            body = step.body and {name: _known(value, answers) for name, value in step.body.items()}
            answer = _sent(send, step, path, body)
            if step.gives:
                answers[step.gives] = answer
        return answers


def _sent(send, step, path, body):
    try:
        return send(step.method, path, body)
    except ServerRefused as error:
        if not step.about:
            raise
        raise type(error)(f"{step.about}: {error}", **error.result) from None


def _known(value, answers):
    return answers[value.name]["id"] if isinstance(value, IdOf) else value


def set_or_changed(was_set, is_set, differs):
    """Return how a secret is shown before and after: unset, set or changed."""
    before = "set" if was_set else "unset"
    if not is_set:
        return before, "unset"
    return before, "changed" if was_set and differs else "set"
