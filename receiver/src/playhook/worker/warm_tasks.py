# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the process of each task and host would do again, done once before it is forked.

Ansible forks for every task on every host, and what such a process works out ends with it. The code of a template that
has neither filters nor tests depends on its text and on settings alone, and no plugin is looked for to compile it. So a
job's process compiles those of a task's arguments, and the processes that it forks inherit them. All others each
process compiles for itself: for a filter's sake all of a project's filter plugins are imported, which only the process
of a task may do, and only when it comes to that.
"""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import CodeType
from typing import Any, Final

_MOST_TEXT: Final = 8 * 1024  # characters of one task's templates
_MOST_VALUES: Final = 1000  # of one task's arguments
_PLUGINS: Final = re.compile(r"\||\b(?:is|filter)\b")  # whatever names a filter or a test, and more
_OTHER_DELIMITERS: Final = "#jinja2:"


def prepare_tasks() -> None:
    """Have this process and those forked from it prepare each task before it forks for the task's hosts."""
    with suppress(AttributeError, ImportError, KeyError):  # of another version: then each process does it
        process: Any = sys.modules["ansible.executor.process.worker"].WorkerProcess
        is_trusted = sys.modules["ansible._internal._datatag._tags"].TrustedAsTemplate.is_tagged_on
        start, codes = process.start, _Codes()
        prepared: set[str] = set()

        def start_prepared(self: Any) -> None:
            with suppress(Exception):  # what fails here is left to who needs it, and fails there
                if self._task._uuid not in prepared:
                    prepared.add(self._task._uuid)
                    codes.compile_ahead(text for text in _find_texts(self._task.args) if is_trusted(text))
            start(self)

        process.start = start_prepared


class _Codes:
    """The code of templates that this process, or the one it was forked from, has compiled."""

    def __init__(self) -> None:
        bits: Any = sys.modules["ansible._internal._templating._jinja_bits"]
        self._context, self._settings = bits._TemplateCompileContext, bits._TEMPLATE_OVERRIDE_FIELD_NAMES
        self._environment = bits.AnsibleEnvironment
        self._compile: Callable[..., Any] = self._environment.compile
        self._codes: dict[tuple[Any, ...], CodeType] = {}

        def compile_once(environment: Any, source: Any, *args: Any, **options: Any) -> Any:
            return self._find(environment, source, *args, **options)

        self._environment.compile = compile_once

    def _find(self, environment: Any, source: Any, *args: Any, **options: Any) -> Any:
        """Return what jinja2's Environment.compile() does, or raise it."""
        is_plain = isinstance(source, str) and not (args or options or environment._debuggable_template_source)
        if not is_plain or _PLUGINS.search(source):
            return self._compile(environment, source, *args, **options)
        context = self._context.current(optional=True)
        settings = (getattr(environment, name) for name in self._settings)
        key = (str(source), context is not None and context.escape_backslashes, *settings)
        if key not in self._codes:
            self._codes[key] = self._compile(environment, source)
        return self._codes[key]

    def compile_ahead(self, texts: Iterator[str]) -> None:
        """Compile those that may be templates, and would be remembered."""
        environment, left = self._environment(), _MOST_TEXT
        with self._context(escape_backslashes=True), warnings.catch_warnings():
            warnings.simplefilter("error")  # they are for who needs the template
            for text in texts:
                left -= len(text)
                if left < 0:
                    return
                if "{" in text and not text.startswith(_OTHER_DELIMITERS) and not _PLUGINS.search(text):
                    with suppress(Exception):
                        environment.compile(text)


def _find_texts(value: Any) -> Iterator[str]:
    waiting, seen = [value], set()
    for _each in range(_MOST_VALUES):
        if not waiting:
            return
        value = waiting.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, (dict, list, tuple)) and id(value) not in seen:
            seen.add(id(value))
            waiting += value.values() if isinstance(value, dict) else value
