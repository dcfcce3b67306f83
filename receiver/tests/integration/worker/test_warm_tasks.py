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


OF_A_ROLE = """
import random
drawn = random.Random()
class FilterModule:
    def filters(self):
        return {"sort": lambda given: f"of the role: {given}", "draw": lambda _text: drawn.random()}
"""
HOSTS = """
- hosts: all
  gather_facts: false
  tasks:
    - {add_host: {name: "other{{ item }}", groups: [others]}, loop: [1, 2], when: true}
- hosts: others
  gather_facts: false
  vars: {ansible_connection: local, again: &again ["{{ 1 }}", *again]}
  tasks:
    - {debug: {msg: "{{ [2, 1] | sort }}"}}
    - {include_role: {name: own}}
    - {debug: {msg: "{{ [2, 1] | sort }}"}}
    - {debug: {msg: "drawn {{ '' | draw }}"}}
    - {debug: {msg: &msg ["{{ 1 }}", *msg]}, when: false}
"""


def test_plugins_are_those_of_each_task_and_host(bench: Bench, warm: SharedLauncher) -> None:
    files = {"roles/own/filter_plugins/own.py": OF_A_ROLE, "roles/own/tasks/main.yml": "- {debug: {msg: role}}\n"}
    job = bench.run(bench.template({"site.yml": HOSTS, **files}))
    assert (job.status, warm.refusals[-1]) == ("successful", None), bench.stdout(job.id)
    said = bench.stdout(job.id)
    assert said.count("of the role: [2, 1]") == 2, said
    assert len(set(re.findall(r"drawn (0\.\d+)", said))) == 2, said


def test_a_plugin_that_ends_the_process_ends_no_playbook_that_does_not_use_it(
    bench: Bench, warm: SharedLauncher
) -> None:
    site = """
- hosts: all
  gather_facts: false
  tasks:
    - {debug: {msg: "{{ 'a' | upper }}"}, when: false}
    - {debug: {msg: still there}}
"""
    job = bench.run(bench.template({"site.yml": site, "filter_plugins/needs.py": "raise SystemExit('no library')\n"}))
    assert (job.status, warm.refusals[-1]) == ("successful", None), bench.stdout(job.id)
    assert "still there" in bench.stdout(job.id)
