# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What reads templates, made before a job needs it.

Nothing of a template's values is in it: jinja2's scanner depends on the delimiters alone, and the settings' templates
stand in Ansible's own files.
"""

from __future__ import annotations

import functools
import sys
from contextlib import suppress
from types import SimpleNamespace
from typing import Any


def remember_templates() -> None:
    """Keep the compiled templates that defaults of settings are: each job asks for all of them."""
    manager: Any = sys.modules["ansible.config.manager"]
    templates = SimpleNamespace(from_string=functools.cache(manager.NativeEnvironment().from_string))
    manager.NativeEnvironment = lambda: templates
    for definition in sys.modules["ansible.constants"].config.get_configuration_definitions().values():
        default = definition.get("default")
        if isinstance(default, str) and default.startswith("{{"):
            templates.from_string(default)


def make_scanner() -> None:
    """Have the scanner of templates made, which else each task's process makes for itself, and again."""
    with suppress(AttributeError, ImportError, KeyError):  # of another version: then each does
        bits: Any = sys.modules["ansible._internal._templating._jinja_bits"]
        bits.AnsibleEnvironment().lexer  # noqa: B018  it is kept
