# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jinja2 expressions over a delivery, with a cost that is bounded by what they may be made of.

The expression is the operator's, the values are the sender's. Allowed are comparisons, logic, look-ups, and the
functions named here; not allowed are arithmetic, loops, calls of anything else and attributes of Python objects. So a
step costs at most one walk over what it is given, there are at most MOST_PARTS of them, and a clock stops the rest.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final, NoReturn

from jinja2 import ChainableUndefined, TemplateError, TemplateSyntaxError, nodes
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from playhook.intake.deadline import TooSlow
from playhook.intake.regexes import SafePattern

LIMIT: Final = 0.05  # seconds
LONGEST: Final = 1000
MOST_PARTS: Final = 150
NAMES: Final = ("event", "payload")

_METHODS: Final = {"startswith", "endswith", "lower", "upper", "strip"}
_TESTS: Final = {"defined", "undefined", "none", "string", "number", "boolean", "mapping", "true", "false", "in"}
_LOOK_UPS: Final = (nodes.Name, nodes.Const, nodes.Getattr, nodes.Getitem, nodes.List, nodes.Tuple)
_LOGIC: Final = (nodes.And, nodes.Or, nodes.Not, nodes.Neg, nodes.Compare, nodes.Operand, nodes.CondExpr)
_FUNCTIONS: Final = (nodes.Filter, nodes.Test, nodes.Call, nodes.Keyword)
_clock = threading.local()


class Undecided(Exception):
    """An expression could not be evaluated on this delivery; the message says why."""


class Expression:
    """A compiled expression; used from several threads."""

    def __init__(self, source: str) -> None:
        """Parse, check and compile. Raises ValueError with a sentence that says where it is wrong."""
        if len(source) > LONGEST:
            raise ValueError(f"the expression has {len(source)} characters; {LONGEST} are allowed")
        try:
            _check(_parse(source))
            self._evaluate = _ENVIRONMENT.compile_expression(source)
        except (RecursionError, SyntaxError, MemoryError):
            raise ValueError("the expression is nested too deeply") from None
        self.source = source

    def evaluate(self, names: Mapping[str, Any], limit: float = LIMIT) -> Any:
        """Return the value, None when it is undefined. Raises Undecided."""
        _clock.end = time.monotonic() + limit
        try:
            return self._evaluate(names)
        except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, RecursionError) as error:
            raise Undecided(str(error)[:200] or type(error).__name__) from None
        except (TooSlow, _OutOfTime) as error:
            raise Undecided(str(error)) from None


class _OutOfTime(Exception):
    def __init__(self) -> None:
        super().__init__(f"the expression took longer than {LIMIT * 1000:.0f} ms")


def _tick() -> None:
    if time.monotonic() > _clock.end:
        raise _OutOfTime


class _Environment(ImmutableSandboxedEnvironment):
    """Looks things up in dictionaries and lists only, so that a payload's key never meets a Python attribute."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        _tick()
        if type(obj) is dict:
            return obj[attribute] if attribute in obj else self.undefined(name=attribute)
        if type(obj) is str and attribute in _METHODS:
            return getattr(obj, attribute)
        return self.undefined(name=attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        _tick()
        try:
            return obj[argument] if type(obj) in {dict, list, tuple, str} else self.undefined(name=str(argument)[:50])
        except (LookupError, TypeError):
            return self.undefined(name=str(argument)[:50])


def _length(value: Any) -> int:
    return len(value) if isinstance(value, str | dict | list | tuple) else 0


def _on_text(change: Callable[[str], str]) -> Callable[[Any], Any]:
    return lambda value: change(value) if isinstance(value, str) else value


def _end_of(index: int) -> Callable[[Any], Any]:
    return lambda value: value[index] if isinstance(value, str | list | tuple) and value else None


def _map(value: Any, attribute: str) -> list[Any]:
    found = value if isinstance(value, list | tuple) else ()
    return [each.get(attribute) if isinstance(each, dict) else None for each in found]


def _default(value: Any, other: Any = "", boolean: bool = False) -> Any:
    return other if isinstance(value, ChainableUndefined) or value is None or (boolean and not value) else value


def _search(value: Any, pattern: str) -> bool:
    left = max(_clock.end - time.monotonic(), 0.001)
    return isinstance(value, str) and _safe_pattern(pattern).search(value, left) is not None


@lru_cache(maxsize=1000)
def _safe_pattern(pattern: str) -> SafePattern:
    return SafePattern(pattern)


def _timed(function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        _tick()
        return function(*args, **kwargs)

    return call


_FILTERS: Final[Mapping[str, Callable[..., Any]]] = {
    "default": _default,
    "d": _default,
    "first": _end_of(0),
    "last": _end_of(-1),
    "length": _length,
    "count": _length,
    "lower": _on_text(str.lower),
    "upper": _on_text(str.upper),
    "trim": _on_text(str.strip),
    "map": _map,
}


def _make_environment() -> _Environment:
    environment = _Environment(undefined=ChainableUndefined, autoescape=False)
    environment.globals.clear()
    environment.filters = {name: _timed(each) for name, each in _FILTERS.items()}
    environment.tests = {**{name: environment.tests[name] for name in _TESTS}, "search": _timed(_search)}
    return environment


_ENVIRONMENT: Final = _make_environment()


def _parse(source: str) -> nodes.Expr:
    tokens = list(_tokens(source))
    parser = Parser(_ENVIRONMENT, source, state="variable")
    try:
        expression = parser.parse_expression()
        if not parser.stream.eos:
            parser.fail(f"{parser.stream.current.value!r} is not expected here")
    except TemplateSyntaxError as error:
        left = sum(1 for _token in parser.stream)
        message = (error.message or "this is not an expression").replace("end of template", "end")
        _refuse(message, tokens[-left] if left else len(source))
    return expression


def _tokens(source: str) -> Iterator[int]:
    """Yield the position of each token; Jinja's own errors know the line only."""
    position = 0
    try:
        for _line, kind, text in _ENVIRONMENT.lexer.tokeniter(source, None, state="variable"):
            if kind != "whitespace":
                yield position
            position += len(text)
    except TemplateSyntaxError as error:
        _refuse(error.message or "not an expression", position)


def _refuse(message: str, position: int | None = None) -> NoReturn:
    raise ValueError(message if position is None else f"column {position + 1}: {message}")


def _check(expression: nodes.Expr) -> None:
    """Refuse what is not on the lists. Raises ValueError."""
    parts = [expression, *expression.find_all(nodes.Node)]
    if len(parts) > MOST_PARTS:
        _refuse(f"the expression has {len(parts)} parts; {MOST_PARTS} are allowed")
    for part in parts:
        if isinstance(part, nodes.Filter | nodes.Test | nodes.Call):
            _check_function(part)
        elif isinstance(part, nodes.Name):
            if part.name not in NAMES:
                _refuse(f"there is no {part.name}; expressions are about {' and '.join(NAMES)}")
        elif not isinstance(part, (*_LOOK_UPS, *_LOGIC, *_FUNCTIONS)):
            _refuse(f"{_describe(part)} is not allowed in an expression")


def _check_function(part: nodes.Filter | nodes.Test | nodes.Call) -> None:
    if part.dyn_args is not None or part.dyn_kwargs is not None:
        _refuse("* and ** are not allowed in arguments")
    if isinstance(part, nodes.Call):
        if not isinstance(part.node, nodes.Getattr) or part.node.attr not in _METHODS:
            _refuse(f"only these may be called, on texts: {', '.join(sorted(_METHODS))}")
        return
    word, known = ("filter", _FILTERS) if isinstance(part, nodes.Filter) else ("test", _ENVIRONMENT.tests)
    if part.name not in known:
        _refuse(f"there is no {word} {part.name}; there are {', '.join(sorted(known))}")
    if part.name == "search":
        _check_pattern(part)


def _check_pattern(part: nodes.Filter | nodes.Test) -> None:
    # A pattern from the payload would be the sender's.
    if len(part.args) != 1 or part.kwargs or not isinstance(part.args[0], nodes.Const):
        _refuse("the test search wants one pattern in quotes")
    try:
        SafePattern(str(part.args[0].value))
    except ValueError as error:
        _refuse(f"the pattern of search: {error}")


def _describe(part: nodes.Node) -> str:
    if isinstance(part, nodes.BinExpr | nodes.UnaryExpr):
        return f"arithmetic ({part.operator})"
    names = ((nodes.Concat, "joining texts (~)"), (nodes.Slice, "a slice"), (nodes.Dict, "a dictionary"))
    return next((name for kind, name in names if isinstance(part, kind)), type(part).__name__)
