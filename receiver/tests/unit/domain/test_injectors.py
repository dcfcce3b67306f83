# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Injectors: which AWX takes, in its sentences, and what they make of a credential's inputs."""

from __future__ import annotations

from typing import Any

import pytest

from playhook.domain.injectors import complain_of_injectors, inject


@pytest.mark.parametrize(
    ("injectors", "sentence"),
    [
        ({"args": {}}, ("Schema validation error in relative path [] "
         "(Additional properties are not allowed ('args' was unexpected))")),
        ({"env": "x"}, "str provided in relative path ['env'], expected dict"),
        ({"env": {"A": 5}}, "int provided in relative path ['env', 'A'], expected string"),
        ({"env": {"1A": "x"}}, ("Schema validation error in relative path ['env'] "
         "('1A' does not match any of the regexes: '^[a-zA-Z_]+[a-zA-Z0-9_]*$')")),
        ({"env": {"A": "ü"}}, "ü does not match '^[\\x00-\\x7F]*$'"),
        ({"file": {"x": "y"}}, ("Schema validation error in relative path ['file'] "
         "('x' does not match any of the regexes: '^template(\\.[a-zA-Z_]+[a-zA-Z0-9_]*)?$')")),
        ({"file": {"template.a/../b": "y"}}, ("Schema validation error in relative path ['file'] "
         "('template.a/../b' does not match any of the regexes: '^template(\\.[a-zA-Z_]+[a-zA-Z0-9_]*)?$')")),
        ({"file": {"template": "a", "template.b": "c"}},
         "Must use multi-file syntax when injecting multiple files"),
        ({"env": {"ANSIBLE_CONFIG": "x"}}, ("Environment variable ANSIBLE_CONFIG may affect Ansible configuration so "
         "its use is not allowed in credentials.")),
        ({"env": {"PATH": "x"}}, "Environment variable PATH is not allowed to be used in credentials."),
        ({"env": {"LD_PRELOAD": "x"}}, "Environment variable LD_PRELOAD is not allowed to be used in credentials."),
        ({"file": {"template.__class__": "x"}},
         ("Schema validation error in relative path ['file'] ('template.__class__' does not match any of the regexes: "
          "'^template(\\.[a-zA-Z_]+[a-zA-Z0-9_]*)?$')")),
        ({"env": {"A": "{{ nope }}"}}, "A uses an undefined field ('nope' is undefined)"),
        ({"extra_vars": {"a": {"b": ["{{ nope }}"]}}}, "a uses an undefined field ('nope' is undefined)"),
        ({"env": {"A": "{{ tower }}"}},
         "A uses an undefined field (Cannot directly reference reserved `tower` namespace container.)"),
        ({"env": {"A": "{{ tower.filename }}"}},
         "A uses an undefined field (Must define unnamed file injector in order to reference `tower.filename`.)"),
        ({"env": {"A": "{{ key.__class__.__mro__ }}"}}, ("Encountered unsafe code execution: access to attribute "
         "'__class__' of 'str' object is unsafe.")),
        ({"env": {"A": "{{ key "}}, ("Syntax error rendering template for A inside of env "
         "(unexpected end of template, expected 'end of print statement'.)")),
    ],
)  # fmt: skip
def test_a_wrong_injector_is_told_in_a_sentence(injectors: dict[str, Any], sentence: str) -> None:
    assert complain_of_injectors({"key": {}}, injectors) == [sentence]


@pytest.mark.parametrize(
    "injectors",
    [
        {},
        {"env": {"KEY": "{{ key }}"}, "extra_vars": {"a": {"b": ["{{ key }}", "c"]}}},
        {"file": {"template": "{{ key }}"}, "env": {"KEY_FILE": "{{ tower.filename }}"}},
        {"file": {"template.a": "{{ key }}", "template.b": "x"}, "env": {"F": "{{ tower.filename.a }}"}},
    ],
)
def test_a_right_injector_is_taken(injectors: dict[str, Any]) -> None:
    assert complain_of_injectors({"key": {}}, injectors) == []


def test_templates_are_filled_and_files_have_names() -> None:
    written: dict[str, str] = {}

    def write(label: str, content: str) -> str:
        written[label] = content
        return f"/private/{label}"

    injectors = {
        "file": {"template.a": "[{{ key }}]", "template.b": "{{ tower.filename.a }}"},
        "env": {"KEY": "{{ key }}{{ missing }}", "FILE": "{{ tower.filename.b }}"},
        "extra_vars": {"nested": {"{{ key }}": ["{{ flag }}"]}},
    }

    injected = inject(injectors, {"key": "{{ 1 + 1 }}", "flag": False}, write)

    assert written == {"template.a": "[{{ 1 + 1 }}]", "template.b": "/private/template.a"}
    assert injected.environment == {"KEY": "{{ 1 + 1 }}", "FILE": "/private/template.b"}
    assert injected.extra_vars == {"nested": {"{{ 1 + 1 }}": ["False"]}}


def test_what_cannot_be_filled_is_named_without_a_secret() -> None:
    with pytest.raises(ValueError, match=r"^KEY$"):
        inject({"env": {"KEY": "{{ missing.of.this }}{{ key }}"}}, {"key": "hunter22"}, lambda _label, _content: "")
