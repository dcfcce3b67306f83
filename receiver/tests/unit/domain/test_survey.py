# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Surveys: AWX's rules for questions and answers, in AWX's sentences."""

from __future__ import annotations

from typing import Any

import pytest

from playhook.domain.survey import check_survey, find_default, questions_of, read_answers

TEXT = {"question_name": "Which?", "type": "text", "variable": "x", "required": True}
TYPES = "text, textarea, password, multiplechoice, multiselect, integer, float"
CHOICE = {**TEXT, "type": "multiplechoice", "choices": "red\nblue"}


def survey(*questions: Any, **more: Any) -> dict[str, Any]:
    return {"name": "", "description": "", "spec": list(questions), **more}


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in TEXT.items() if key != name}


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({}, "Field 'spec' is missing from survey spec."),
        ({"description": "", "spec": [TEXT]}, "Field 'name' is missing from survey spec."),
        ({"name": 1, "description": "", "spec": [TEXT]}, "Expected string for field 'name', received int type."),
        (survey(spec={}), "Expected list of items for field 'spec', received dict type."),
        (survey(), "'spec' doesn't contain any items."),
        (survey(1), "Survey question 0 is not a json object."),
        (survey(TEXT, without("type")), "'type' missing from survey question 1"),
        (survey(without("question_name")), "'question_name' missing from survey question 0"),
        (survey(without("variable")), "'variable' missing from survey question 0"),
        (survey(without("required")), "'required' missing from survey question 0"),
        (survey({**TEXT, "required": "yes"}), "'required' in survey question 0 expected to be boolean."),
        (survey({**TEXT, "variable": 1}), "'variable' in survey question 0 expected to be string."),
        (survey(TEXT, TEXT), "'variable' 'x' duplicated in survey question 1."),
        (
            survey({**TEXT, "type": "date"}),
            f"'date' in survey question 0 is not one of '{TYPES}' allowed question types.",
        ),
        (survey({**TEXT, "default": 5}), "Default value 5 in survey question 0 expected to be string."),
        (
            survey({**TEXT, "type": "integer", "default": "5"}),
            "Default value 5 in survey question 0 expected to be integer.",
        ),
        (survey({**TEXT, "type": "float", "default": 5}), "Default value 5 in survey question 0 expected to be float."),
        (
            survey({**TEXT, "type": "password", "default": 5}),
            "Default value $encrypted$ in survey question 0 expected to be string.",
        ),
        (survey({**TEXT, "min": "1"}), "The min limit in survey question 0 expected to be integer."),
        (survey({**TEXT, "max": 1.5}), "The max limit in survey question 0 expected to be integer."),
        (
            survey({**TEXT, "type": "multiselect"}),
            "Survey question 0 of type multiselect must specify choices.",
        ),
        (
            survey({**CHOICE, "default": "red\nblue"}),
            "Multiple Choice (Single Select) can only have one default value.",
        ),
        (survey({**CHOICE, "default": "green"}), "Default choice must be answered from the choices listed."),
        (survey({**CHOICE, "default": "re"}), "Default choice must be answered from the choices listed."),
        (
            survey({**TEXT, "default": "$encrypted$"}),
            "$encrypted$ is a reserved keyword for password question defaults, survey question 0 is type text.",
        ),
    ],
)  # fmt: skip
def test_a_wrong_survey_is_told_in_a_sentence(given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011  the sentence is compared whole
        check_survey(given)

    assert str(refused.value) == sentence


def test_a_survey_is_kept_with_what_else_it_says_and_without_blank_lines() -> None:
    given = survey({**CHOICE, "choices": "red\n\n  \nblue\n", "default": "blue\n", "new_question": True}, more=1)

    kept = check_survey(given)

    assert kept == survey({**CHOICE, "choices": "red\nblue", "default": "blue", "new_question": True}, more=1)


@pytest.mark.parametrize(
    ("question", "value", "sentence"),
    [
        ({}, 5, "Value 5 for 'x' expected to be a string."),
        ({"min": 3}, "ab", "'x' value ab is too small (length is 2 must be at least 3)."),
        ({"max": 1}, "ab", "'x' value ab is too large (must be no more than 1)."),
        ({"type": "textarea", "max": 1}, "ab", "'x' value ab is too large (must be no more than 1)."),
        ({"type": "password", "max": 3}, "hush", "'x' value $encrypted$ is too large (must be no more than 3)."),
        ({"type": "password"}, 1234, "Value $encrypted$ for 'x' expected to be a string."),
        ({"type": "password"}, "$encrypted$", "'x' value missing"),
        ({"type": "integer"}, "5", "Value 5 for 'x' expected to be an integer."),
        ({"type": "integer"}, True, "Value True for 'x' expected to be an integer."),
        ({"type": "integer", "min": 3}, 2, "'x' value 2 is too small (must be at least 3)."),
        ({"type": "integer", "max": 3}, 4, "'x' value 4 is too large (must be no more than 3)."),
        ({"type": "float"}, "1.5", "Value 1.5 for 'x' expected to be a numeric type."),
        ({"type": "float", "min": 3}, 2.5, "'x' value 2.5 is too small (must be at least 3)."),
        (CHOICE, "green", "Value green for 'x' expected to be one of ['red', 'blue']."),
        ({**CHOICE, "choices": ["red"]}, "blue", "Value blue for 'x' expected to be one of ['red']."),
        ({**CHOICE, "type": "multiselect"}, "red", "'x' value is expected to be a list."),
        ({**CHOICE, "type": "multiselect"}, ["red", "x"], "Value x for 'x' expected to be one of ['red', 'blue']."),
    ],
)  # fmt: skip
def test_a_wrong_answer_is_told_in_a_sentence(question: dict[str, Any], value: Any, sentence: str) -> None:
    answers = read_answers([{**TEXT, **question}], {"x": value, "y": 1})

    assert (answers.complaints, answers.taken, answers.unasked) == ([sentence], {}, {"y": 1})


@pytest.mark.parametrize(
    ("question", "value"),
    [
        ({"min": 2, "max": 2}, "ab"),
        ({"min": None, "max": None}, ""),
        ({"type": "password", "default": "d"}, "$encrypted$"),
        ({"type": "integer", "min": 1, "max": 1}, 1),
        ({"type": "float", "max": 2}, 2),
        ({"type": "float"}, 1.5),
        (CHOICE, "blue"),
        ({**CHOICE, "type": "multiselect"}, ["red", "blue"]),
        ({**CHOICE, "type": "multiselect"}, []),
    ],
)  # fmt: skip
def test_a_right_answer_is_taken(question: dict[str, Any], value: Any) -> None:
    answers = read_answers([{**TEXT, **question}], {"x": value})

    assert (answers.complaints, answers.taken) == ([], {"x": value})


def test_what_is_required_is_missing_unless_it_may_be_answered_elsewhere() -> None:
    assert read_answers([TEXT], {}).complaints == ["'x' value missing"]
    assert read_answers([TEXT], {}, in_part=True).complaints == []
    assert read_answers([{**TEXT, "required": False}], {}).complaints == []


@pytest.mark.parametrize(
    ("question", "default", "wanted"),
    [
        ({}, None, None),
        ({}, "a", "a"),
        ({"min": 2}, "a", None),  # one that is no answer does not count
        ({"type": "integer"}, "", None),
        ({"type": "integer"}, 5, 5),
        (CHOICE, "red", "red"),
        ({**CHOICE, "type": "multiselect"}, "red\nblue", ["red", "blue"]),
        ({**CHOICE, "type": "multiselect"}, "", None),
    ],
)
def test_a_default_counts_where_it_is_an_answer(question: dict[str, Any], default: Any, wanted: Any) -> None:
    assert find_default({**TEXT, **question}, default) == wanted


def test_a_survey_that_is_off_asks_nothing() -> None:
    assert questions_of({"survey_enabled": False, "survey_spec": survey(TEXT)}) == ()
    assert questions_of({"survey_enabled": True, "survey_spec": {}}) == ()
    assert questions_of({"survey_enabled": True, "survey_spec": survey(TEXT)}) == [TEXT]
