# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Templates that were compiled before a task's process was forked say what they say otherwise, mistakes too."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from tests.integration.worker.conftest import Bench
from tests.integration.worker.starts import SharedLauncher

FILTER = """
class FilterModule:
    def filters(self):
        return {"own": lambda text: text + " of the project"}
"""
SITE = r"""
- hosts: all
  gather_facts: false
  vars: {word: first, braces: "{{ '{{ word }}' }}", more: "{{ word }} more"}
  tasks:
    - {debug: {msg: "{{ word }} {{ more }} {{ braces }}"}}
    - {debug: {msg: "{{ word }} {{ more }} {{ braces }}"}, vars: {word: second}}
    - {debug: {msg: "{{ 'aXb' | regex_replace('(X)', '\\1-\\1') }} {{ 'a\\nb' }}"}}
    - {debug: {msg: '{{ "aXb" | regex_replace("(X)", "\\1-\\1") }} {% if "a\\nb" %}{{ "a\nb" }}{% endif %}'}}
    - {debug: {msg: "{% for each in [1, 2] %}{{ each }}\n{% endfor %}tail\n"}}
    - debug:
        msg: |
          #jinja2: variable_start_string:'[[', variable_end_string:']]'
          [[ word ]] and {{ word }}
    - {debug: {msg: "{{ 'x' | own }} {{ 'x' is own_test }}"}, ignore_errors: true}
    - {debug: {msg: "{{ 'x' | own }} {{ item }}"}, loop: ["{{ word }}", "{{ 1 + 1 }}"]}
    - {debug: {msg: "{{ 1 + }}"}, ignore_errors: true}
    - {debug: {msg: "{{ 'x' | no_such_filter }}"}, ignore_errors: true}
    - {debug: {msg: "{{ missing.part }}"}, ignore_errors: true}
    - {debug: {msg: "{{ 1 + }}"}, when: false}
    - {set_fact: {kept: {list: ["{{ word }}", 1, null], "{{ word }}": "{{ 2 * 3 }}"}}}
    - {debug: {var: kept}}
    - {assert: {that: ["word == 'first'", "'{{ word }}' | length == 5"]}, ignore_errors: true}
    - {debug: "{{ {'msg': word} }}", ignore_errors: true}
    - {command: "echo {{ word }} '{{ word | quote }}'", register: said}
    - {debug: {msg: "{{ said.stdout }} {{ lookup('vars', 'word') }} {{ query('items', [word]) }}"}}
"""


def test_templates_say_the_same_warm_and_cold(
    bench: Bench, warm: SharedLauncher, run_cold: Callable[[int], Any]
) -> None:
    template = bench.template({"site.yml": SITE, "filter_plugins/own.py": FILTER})
    cold, hot = run_cold(template), bench.run(template)
    assert (cold.status, hot.status, warm.refusals[-1]) == ("successful", "successful", None)
    told = [re.sub(r"/[\w./-]*/project/", "/", bench.stdout(job.id)) for job in (cold, hot)]
    assert told[1] == told[0]
    for said in ("first first more", "second second more", "aX-Xb", "first and {{ word }}", "x of the project 2"):
        assert said in told[0]
    assert told[0].count("...ignoring") >= 4
