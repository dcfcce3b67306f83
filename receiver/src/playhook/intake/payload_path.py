# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""JMESPath over a delivery, with a cost that is bounded: by what an expression may hold, by size and by time.

The expression is the operator's, the payload is the sender's. `.[@, @]` refers to what it is given twice and costs
nothing until it is walked through, so what comes out is counted before anything walks through it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isfinite, prod
from typing import Any, Final

import jmespath
from jmespath.exceptions import JMESPathError, JMESPathTypeError
from jmespath.functions import Functions
from jmespath.visitor import Options, TreeInterpreter

from playhook.intake.deadline import Deadline

LARGEST: Final = 64 * 1024  # bytes of one value as JSON
_MOST_ENTRIES: Final = 100_000  # of what a function or `[]` goes through at once
_MOST_FLATTENS: Final = 2  # each may multiply what it is given
_MOST_TIMES: Final = 1000  # that multiselects may refer to one value
_SELECTS: Final = {"multi_select_list", "multi_select_dict"}
_CHEAP: Final = {"length", "type", "not_null"}
_FAILURES: Final = (TypeError, ArithmeticError, LookupError, AttributeError, RecursionError)


class PayloadPath:
    """A compiled expression; used from several threads."""

    def __init__(self, source: str) -> None:
        """Compile. Raises ValueError with a sentence that says what is wrong, without its full stop."""
        try:
            self._parsed: Mapping[str, Any] = jmespath.compile(source).parsed
        except JMESPathError as error:
            position = getattr(error, "lex_position", None)
            column = "" if position is None else f"column {position + 1}: "
            words = str(error).splitlines()[0].removesuffix(":")
            raise ValueError(f"This is not JMESPath: {column}{words}") from None
        _check_parts(self._parsed)

    def search(self, names: Mapping[str, Any], deadline: Deadline) -> Any:
        """Return what is found, at most LARGEST. Raises ValueError with a clause, and OutOfTime."""
        try:
            found = _Interpreter(deadline).visit(self._parsed, names)
        except JMESPathTypeError as error:  # its own text would hold the whole value
            raise ValueError(f"{error.function_name}() does not take {error.actual_type}") from None
        except JMESPathError as error:
            raise ValueError(str(error)) from None
        except _FAILURES as error:
            raise ValueError(str(error) or type(error).__name__) from None
        check_size(found)
        return found


def check_size(value: Any) -> None:
    """Raise ValueError for a value larger than LARGEST (the rest of it is not looked at), or with Infinity or NaN."""
    left, waiting = LARGEST, [value]
    while waiting:
        each = waiting.pop()
        left -= max(len(each), 1) if isinstance(each, str | list | dict) else 1
        if left < 0:
            raise ValueError(f"it is larger than {LARGEST} bytes")
        if isinstance(each, float) and not isfinite(each):
            raise ValueError("it has a number that JSON does not hold")
        if isinstance(each, dict):
            waiting.extend(each)
            waiting.extend(each.values())
        elif isinstance(each, list):
            waiting.extend(each)


def _check_parts(parsed: Mapping[str, Any]) -> None:
    nodes = _walk(parsed)
    for node in nodes:
        if node["type"] == "function_expression" and node["value"] not in Functions.FUNCTION_TABLE:
            raise ValueError(f"JMESPath has no function {node['value']}")
    if sum(node["type"] == "flatten" for node in nodes) > _MOST_FLATTENS:
        raise ValueError(f"`[]` may stand {_MOST_FLATTENS} times in an expression")
    if prod(len(node["children"]) for node in nodes if node["type"] in _SELECTS) > _MOST_TIMES:
        raise ValueError(f"Multiselects may multiply what they select {_MOST_TIMES} times at most")


def _walk(node: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    children = [each for each in node.get("children", ()) if isinstance(each, Mapping)]  # a slice has numbers
    return [node, *(each for child in children for each in _walk(child))]


def _literal(value: Any) -> dict[str, Any]:
    return {"type": "literal", "value": value, "children": []}


class _Interpreter(TreeInterpreter):
    """JMESPath's own, which looks at the clock at each step and at the size of what one step goes through."""

    def __init__(self, deadline: Deadline) -> None:
        super().__init__(Options(custom_functions=_FUNCTIONS))
        self._deadline = deadline

    def visit(self, node: Any, *args: Any, **kwargs: Any) -> Any:
        self._deadline.check()
        return super().visit(node, *args, **kwargs)

    def visit_comparator(self, node: Any, value: Any) -> Any:
        sides = [self.visit(child, value) for child in node["children"]]
        if all(isinstance(side, list | dict) for side in sides):
            for side in sides:
                check_size(side)
        literals: Any = {**node, "children": [_literal(side) for side in sides]}
        return super().visit_comparator(literals, value)

    def visit_flatten(self, node: Any, value: Any) -> Any:
        base = self.visit(node["children"][0], value)
        if isinstance(base, list):
            _check_entries("[]", sum(len(each) if isinstance(each, list) else 1 for each in base))
        literal: Any = {**node, "children": [_literal(base)]}
        return super().visit_flatten(literal, value)


class _Functions(Functions):
    def call_function(self, function_name: str, resolved_args: Any) -> Any:
        if function_name not in _CHEAP:
            for each in resolved_args:
                _check_entries(f"{function_name}()", len(each) if isinstance(each, str | list | dict) else 1)
        if function_name in _CHECKS:
            _CHECKS[function_name](*resolved_args)
        return super().call_function(function_name, resolved_args)


_FUNCTIONS: Final = _Functions()


def _check_entries(what: str, count: int) -> None:
    if count > _MOST_ENTRIES:
        raise ValueError(f"{what} is given {count} entries; {_MOST_ENTRIES} are allowed")


def _check_contains(_subject: Any, wanted: Any) -> None:
    if isinstance(wanted, list | dict):
        raise ValueError("contains() looks for texts, numbers, true, false and null only")  # noqa: TRY004  a clause


def _check_join(separator: Any, array: Any) -> None:
    check_size(array)
    if isinstance(separator, str) and isinstance(array, list) and len(separator) * len(array) > LARGEST:
        raise ValueError(f"it is larger than {LARGEST} bytes")


_CHECKS: Final[Mapping[str, Callable[..., None]]] = {
    "to_string": check_size,
    "contains": _check_contains,
    "join": _check_join,
}
