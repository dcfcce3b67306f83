# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Surveys: the questions that a launch asks, and which answers are taken. Rules and sentences are AWX's.

A survey is AWX's document: `name`, `description` and `spec`, a list of questions, each with `question_name`, `type`,
`variable`, `required` and, where they apply, `default`, `choices`, `min` and `max`. No sentence holds a password.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

HIDDEN: Final = "$encrypted$"
"""What stands in place of a password; sent back it means the one that is stored, or the question's default."""
Question = Mapping[str, Any]

_TEXTS: Final = ("text", "textarea", "password")
_CHOSEN: Final = ("multiplechoice", "multiselect")
# The type of a question → that of its default, and AWX's word for that.
_TYPES: Final[Mapping[str, tuple[type, str]]] = {
    **dict.fromkeys((*_TEXTS, *_CHOSEN), (str, "string")), "integer": (int, "integer"), "float": (float, "float"),
}  # fmt: skip
_PARTS: Final = (("name", str, "string"), ("description", str, "string"), ("spec", list, "list of items"))
_KEYS: Final = (
    ("type", str, "string"), ("question_name", str, "string"), ("variable", str, "string"),
    ("required", bool, "boolean"),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What became of the variables that were given: answers, those that no question asks for, and what is wrong."""

    taken: Mapping[str, Any]
    unasked: Mapping[str, Any]
    complaints: Sequence[str]


def check_survey(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a survey as it is kept, without blank lines in its choices. Raises ValueError with a sentence."""
    wrong = list(_complain_of_parts(given))
    if wrong:
        raise ValueError(wrong[-1])  # as AWX
    variables: set[str] = set()
    questions = []
    for index, question in enumerate(given["spec"]):
        if not isinstance(question, dict):
            raise ValueError(f"Survey question {index} is not a json object.")  # noqa: TRY004  one kind for all
        trimmed = _trim(question)
        for check in _CHECKS:
            for sentence in check(index, trimmed):
                raise ValueError(sentence)
        if trimmed["variable"] in variables:
            raise ValueError(f"'variable' '{trimmed['variable']}' duplicated in survey question {index}.")
        variables.add(trimmed["variable"])
        questions.append(trimmed)
    return {**given, "spec": questions}


def questions_of(template: Mapping[Any, Any]) -> Sequence[Question]:
    """Return the questions that a launch of a template (its row) asks: none while its survey is off."""
    survey = template["survey_spec"] or {}
    questions: Sequence[Question] = survey.get("spec") or ()
    return questions if template["survey_enabled"] else ()


def password_variables(questions: Sequence[Question]) -> set[str]:
    """Return the variables whose values are secret."""
    return {each["variable"] for each in questions if each.get("type") == "password"}


def read_answers(questions: Sequence[Question], given: Mapping[str, Any], *, in_part: bool = False) -> Answers:
    """Judge what a launch says; `in_part`: the rest may be answered elsewhere, as for the node of a workflow."""
    wrong: list[str] = []
    taken: dict[str, Any] = {}
    for question in questions:
        variable = question["variable"]
        if variable in given:
            complaints = complain_of_answer(question, given[variable])
            taken |= {} if complaints else {variable: given[variable]}
            wrong += complaints
        elif question.get("required") and not in_part:
            wrong.append(_missing(question))
    asked = {question["variable"] for question in questions}
    unasked = {name: value for name, value in given.items() if name not in asked}
    return Answers(taken=taken, unasked=unasked, complaints=wrong)


def complain_of_answer(question: Question, value: Any) -> list[str]:
    """Say what is wrong with the answer to a question."""
    kind = question.get("type", "text")
    if kind == "password" and value == HIDDEN:
        return [_missing(question)] if question.get("default") is None and question.get("required") else []
    return list(_ANSWERS[kind](question, value))


def find_default(question: Question, default: Any) -> Any:
    """Return what counts where a question is not answered, None for nothing; `default` is in the clear.

    A multiselect's is written as lines, and is a list of them; AWX gives a launch nothing then.
    """
    if question.get("type") == "multiselect" and isinstance(default, str):
        default = default.splitlines() or None
    return None if default is None or complain_of_answer(question, default) else default


def _complain_of_parts(given: Mapping[str, Any]) -> Iterator[str]:
    for name, kind, label in _PARTS:
        if name not in given:
            yield f"Field '{name}' is missing from survey spec."
        elif not isinstance(given[name], kind):
            yield f"Expected {label} for field '{name}', received {type(given[name]).__name__} type."
    if given.get("spec") == []:
        yield "'spec' doesn't contain any items."


def _trim(question: Mapping[str, Any]) -> dict[str, Any]:
    trimmed = dict(question)
    if question.get("type") in _CHOSEN:
        for name in ("choices", "default"):
            if isinstance(question.get(name), str):
                trimmed[name] = "\n".join(_lines(question[name]))
    return trimmed


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip()]


def _complain_of_keys(index: int, question: Question) -> Iterator[str]:
    for name, kind, label in _KEYS:
        if name not in question:
            yield f"'{name}' missing from survey question {index}"
        elif not isinstance(question[name], kind):
            yield f"'{name}' in survey question {index} expected to be {label}."
    if question["type"] not in _TYPES:
        allowed = ", ".join(_TYPES)
        yield f"'{question['type']}' in survey question {index} is not one of '{allowed}' allowed question types."


def _complain_of_default(index: int, question: Question) -> Iterator[str]:
    kind, label = _TYPES[question["type"]]
    default = question.get("default", "")
    if default != "" and (not isinstance(default, kind) or isinstance(default, bool)):
        yield f"Default value {_shown(question, default)} in survey question {index} expected to be {label}."
    if isinstance(default, str) and default.startswith(HIDDEN) and question["type"] != "password":
        yield (
            f"{HIDDEN} is a reserved keyword for password question defaults, survey question {index} is type "
            f"{question['type']}."
        )


def _complain_of_limits(index: int, question: Question) -> Iterator[str]:
    for name in ("min", "max"):
        limit = question.get(name)
        if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool)):
            yield f"The {name} limit in survey question {index} expected to be integer."


def _complain_of_choices(index: int, question: Question) -> Iterator[str]:
    if question["type"] not in _CHOSEN:
        return
    if "choices" not in question:
        yield f"Survey question {index} of type {question['type']} must specify choices."
    elif not isinstance(question["choices"], str | list):
        yield f"The choices in survey question {index} expected to be a string or a list."
    defaults = question.get("default", "").splitlines()
    if question["type"] == "multiplechoice" and len(defaults) > 1:
        yield "Multiple Choice (Single Select) can only have one default value."
    if any(each not in _choices(question) for each in defaults):
        yield "Default choice must be answered from the choices listed."


_CHECKS: Final = (_complain_of_keys, _complain_of_default, _complain_of_limits, _complain_of_choices)


def _missing(question: Question) -> str:
    return f"'{question['variable']}' value missing"


def _shown(question: Question, value: Any) -> Any:
    return HIDDEN if question["type"] == "password" else value


def _choices(question: Question) -> list[Any]:
    choices = question.get("choices") or []
    return _lines(choices) if isinstance(choices, str) else list(choices)


def _judge_text(question: Question, value: Any) -> Iterator[str]:
    variable = question["variable"]
    shown = HIDDEN if question.get("type") == "password" else value
    if not isinstance(value, str):
        yield f"Value {shown} for '{variable}' expected to be a string."
        return
    least, most = question.get("min"), question.get("max")
    if isinstance(least, int) and len(value) < least:
        yield f"'{variable}' value {shown} is too small (length is {len(value)} must be at least {least})."
    if isinstance(most, int) and len(value) > most:
        yield f"'{variable}' value {shown} is too large (must be no more than {most})."


def _judge_number(kinds: tuple[type, ...], label: str) -> Callable[[Question, Any], Iterator[str]]:
    def judge(question: Question, value: Any) -> Iterator[str]:
        variable = question["variable"]
        if type(value) not in kinds:
            yield f"Value {value} for '{variable}' expected to be {label}."
            return
        least, most = question.get("min"), question.get("max")
        if isinstance(least, int) and value < least:
            yield f"'{variable}' value {value} is too small (must be at least {least})."
        if isinstance(most, int) and value > most:
            yield f"'{variable}' value {value} is too large (must be no more than {most})."

    return judge


def _judge_choice(question: Question, value: Any) -> Iterator[str]:
    choices = _choices(question)
    if value not in choices:
        yield f"Value {value} for '{question['variable']}' expected to be one of {choices}."


def _judge_choices(question: Question, value: Any) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"'{question['variable']}' value is expected to be a list."
        return
    for each in value:
        yield from _judge_choice(question, each)


_ANSWERS: Final[Mapping[str, Callable[[Question, Any], Iterator[str]]]] = {
    **dict.fromkeys(_TEXTS, _judge_text),
    "integer": _judge_number((int,), "an integer"),
    "float": _judge_number((float, int), "a numeric type"),
    "multiplechoice": _judge_choice,
    "multiselect": _judge_choices,
}
