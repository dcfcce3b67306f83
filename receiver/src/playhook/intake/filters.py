# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of `playhook.filters`: a table of names, each with the function that turns what is wanted into a test.

Every rule of a template must pass. A rule is about one fact of the event; where the service does not say that fact,
the rule does not pass, so that what is unknown never launches. `any` holds alternatives, one of which must pass.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, get_args

from playhook.domain.delivery import Rule
from playhook.domain.event import Action, Event, Kind
from playhook.intake.branches import find_branch
from playhook.intake.deadline import Deadline, OutOfTime, TooSlow
from playhook.intake.expressions import LIMIT as EXPRESSION_LIMIT
from playhook.intake.expressions import LONGEST, Expression, Undecided
from playhook.intake.globs import Matches, Patterns, compile_glob, compile_patterns
from playhook.intake.places import Place
from playhook.intake.regexes import LIMIT, LONGEST_PATTERN, SafePattern

MOST_EXPRESSIONS: Final = 20
MOST_ALTERNATIVES: Final = 20
MOST_IN_ALTERNATIVES: Final = 60
_KINDS: Final = frozenset(get_args(Kind))
_ACTIONS: Final = frozenset(get_args(Action))
_SCALARS: Final = frozenset({bool, int, float})
_SHOWN_LENGTH, _SHOWN_ENTRIES = 256, 10


class Facts(NamedTuple):
    """What rules are about: the event, and the names that expressions know; and how long they may take."""

    event: Event
    names: Mapping[str, Any]
    deadline: Deadline


class Finding(NamedTuple):
    """What a test found. `match` are a comment's named groups; `rules` say how alternatives fared."""

    passed: bool
    found: Any = None
    match: Mapping[str, str | None] | None = None
    rules: tuple[Rule, ...] = ()


class Answers(NamedTuple):
    """What the rules said, the first that did not pass, and the named groups of what matched.

    The rules of alternatives come before the `any` that sums them up, and do not count beside it.
    """

    rules: list[Rule]
    failed: Rule | None
    match: dict[str, str | None]


@dataclass(frozen=True, kw_only=True)
class CompiledRule:
    """A rule that is ready to be asked."""

    name: str
    wanted: Any
    test: Callable[[Facts], Finding]


Compile = Callable[[Place, str, Any], Iterable[CompiledRule]]


def compile_filters(place: Place, filters: Any, prefix: str = "") -> tuple[CompiledRule, ...]:
    """Compile an object of rules; what is wrong is said of `place`. Names get `prefix` in front."""
    compiled: list[CompiledRule] = []
    for name, wanted in place.mapping(filters).items():
        rule = RULES.get(name)
        if rule is None or (prefix and name == "any"):
            known = ", ".join(each for each in RULES if not prefix or each != "any")
            place.key(name).refuse(f"There is no such rule here; there are {known}.")
        else:
            compiled.extend(rule(place.key(name), f"{prefix}{name}", wanted))
    return tuple(compiled)


def ask(rules: Sequence[CompiledRule], facts: Facts) -> Answers:
    """Ask every rule, also those after one that did not pass: the verdict shows them all.

    The rule during which the time ran out does not pass, whatever it found, and is the last.
    """
    said: list[Rule] = []
    failed: Rule | None = None
    match: dict[str, str | None] = {}
    if rules:
        facts.deadline.begin()
    for compiled in rules:
        finding = compiled.test(facts)
        if facts.deadline.is_over:
            finding = Finding(False, str(OutOfTime()), rules=finding.rules)
        said.extend(finding.rules)
        rule = Rule(name=compiled.name, passed=finding.passed, wanted=compiled.wanted, found=finding.found)
        said.append(rule)
        if not finding.passed and failed is None:
            failed = rule
        if finding.match:
            match.update(finding.match)
        if facts.deadline.is_over:
            break
    return Answers(said, failed, match)


def shorten(value: Any, *, depth: int = 2) -> Any:
    """Return a value as it is kept and shown: short, of plain type that JSON holds, and without control characters."""
    if type(value) is str:
        if len(value) <= _SHOWN_LENGTH and value.isprintable():
            return value
        return printable(value if len(value) <= _SHOWN_LENGTH else value[: _SHOWN_LENGTH - 1] + "…")
    if value is None or type(value) in _SCALARS:
        return _shorten_number(value) if value else value
    if isinstance(value, (list, tuple)):
        if not depth:  # ten entries at each of many levels would be no short thing
            return f"a list with {len(value)} entries"
        shown = [shorten(each, depth=depth - 1) for each in value[:_SHOWN_ENTRIES]]
        return shown if len(value) <= _SHOWN_ENTRIES else [*shown, f"… {len(value)} in all"]
    return f"an object with {len(value)} keys" if isinstance(value, Mapping) else type(value).__name__


def _shorten_number(value: float) -> Any:
    """Return a number that JSON and the database hold as it is, and others as text."""
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if -(2**63) <= value < 2**63:
        return value
    return str(value) if value.bit_length() <= _SHOWN_LENGTH else f"an integer of {value.bit_length()} bits"


def printable(text: str) -> str:
    """Return the text with a space for each character that moves a cursor, or that a database refuses."""
    return "".join(each if each.isprintable() else " " for each in text)


def needs_time(filters: Mapping[str, Any]) -> bool:
    """Tell whether rules have expressions or regular expressions, which a sender can make slow up to their limits."""
    return bool({"comment", "when"} & set(filters)) or any(map(needs_time, filters.get("any", ())))


def _compile_events(place: Place, name: str, wanted: Any) -> Iterable[CompiledRule]:
    tests: list[tuple[Callable[[Event], object], bool]] = []
    for at, text in place.texts(wanted):
        negated = text.startswith("!")
        word = text[1:] if negated else text
        matches = _compile_glob(at, word)
        # A kind is compared with the kind only: GitHub's event `push` is a push of tags too.
        tests.append((_is_kind(word) if word in _KINDS else _is_type(matches), not negated))
    default = not any(is_wanted for _test, is_wanted in tests)
    tests.reverse()

    def test(facts: Facts) -> Finding:
        event, passed = facts.event, default
        for matches, is_wanted in tests:
            if matches(event):
                passed = is_wanted
                break
        return Finding(passed, [event.kind] if event.type == event.kind else [event.kind, shorten(event.type)])

    yield CompiledRule(name=name, wanted=shorten(wanted), test=test)


def _is_kind(kind: str) -> Callable[[Event], object]:
    return lambda event: event.kind == kind


def _is_type(matches: Matches) -> Callable[[Event], object]:
    return lambda event: matches(event.type)


def _compile_glob(place: Place, text: str) -> Matches:
    try:
        compile_patterns([text])
        return compile_glob(text)
    except ValueError as error:
        place.refuse(f"{error}.")
        return text.__eq__


def _compile_patterns(place: Place, wanted: Any, *, fold: bool = False) -> Patterns:
    texts: list[str] = []
    for at, text in place.texts(wanted):
        try:
            compile_patterns([text])
        except ValueError as error:
            at.refuse(f"{error}.")
        else:
            texts.append(text)
    return compile_patterns(texts, fold=fold)


def _compile_actions(place: Place, name: str, wanted: Any) -> Iterable[CompiledRule]:
    for at, text in place.texts(wanted):
        if text.removeprefix("!") not in _ACTIONS:
            at.refuse(f"There is no action {text!r}; there are {', '.join(sorted(_ACTIONS))}.")
    return _names(lambda event: event.action)(place, name, wanted)


def _names(read: Callable[[Event], str | None], *, fold: bool = False) -> Compile:
    """Make a rule about one name: the last pattern that matches it decides."""

    def compile_rule(place: Place, name: str, wanted: Any) -> Iterable[CompiledRule]:
        patterns = _compile_patterns(place, wanted, fold=fold)

        def test(facts: Facts) -> Finding:
            found = read(facts.event)
            if found is None:
                return Finding(False)
            return Finding(patterns.select(found.casefold() if fold else found), shorten(found))

        yield CompiledRule(name=name, wanted=shorten(wanted), test=test)

    return compile_rule


def _find_author(event: Event) -> str | None:
    """Return who wrote the pull request, or the comment, review or commits: never who labelled what another wrote."""
    return event.pull_request.author if event.kind == "pull_request" and event.pull_request else event.sender


def _compile_paths(place: Place, name: str, wanted: Any) -> Iterable[CompiledRule]:
    patterns = _compile_patterns(place, wanted)

    def test(facts: Facts) -> Finding:
        paths = facts.event.changed_paths
        if paths is None:
            return Finding(False)
        passed = any(patterns.select(path) for path in paths if not facts.deadline.is_over)
        return Finding(passed, shorten(paths))

    yield CompiledRule(name=name, wanted=shorten(wanted), test=test)


def _compile_labels(place: Place, name: str, wanted: Any) -> Iterable[CompiledRule]:
    texts = list(place.texts(wanted))
    welcome = [_compile_glob(at, text) for at, text in texts if not text.startswith("!")]
    unwelcome = [_compile_glob(at, text[1:]) for at, text in texts if text.startswith("!")]

    def test(facts: Facts) -> Finding:
        request = facts.event.pull_request
        labels = request.labels if request else None
        passed = (not welcome or _any_matches(welcome, labels)) and not _any_matches(unwelcome, labels)
        return Finding(passed, shorten(labels))

    yield CompiledRule(name=name, wanted=shorten(wanted), test=test)


def _any_matches(globs: Sequence[Matches], labels: Sequence[str] | None) -> bool:
    for label in labels or ():
        for matches in globs:
            if matches(label):
                return True
    return False


def _compile_drafts(place: Place, name: str, wanted: Any) -> Iterable[CompiledRule]:
    launches = place.flag(wanted)

    def test(facts: Facts) -> Finding:
        request = facts.event.pull_request
        draft = request.draft if request else None
        return Finding(launches or not draft, draft)

    yield CompiledRule(name=name, wanted=launches, test=test)


def _compile_comment(place: Place, name: str, wanted: Any) -> Iterable[CompiledRule]:
    text = place.text(wanted, LONGEST_PATTERN)
    try:
        pattern = SafePattern(text or "")
    except ValueError as error:
        place.refuse(f"The regular expression is refused: {error}.")
        return

    def test(facts: Facts) -> Finding:
        comment = facts.event.comment
        if comment is None:
            return Finding(False)
        try:
            match = pattern.search(comment, facts.deadline.cap(LIMIT))
        except TooSlow as error:
            return Finding(False, str(error))
        return Finding(match is not None, shorten(comment), match)

    yield CompiledRule(name=name, wanted=shorten(text), test=test)


def _compile_repositories(place: Place, name: str, wanted: Any) -> Iterable[CompiledRule]:
    bound = compile_repositories(place, wanted)

    def test(facts: Facts) -> Finding:
        repository = facts.event.repository
        return Finding(bound(facts.event), shorten(repository.full_name or repository.id) if repository else None)

    yield CompiledRule(name=name, wanted=shorten(wanted), test=test)


def compile_repositories(place: Place, wanted: Any) -> Callable[[Event], bool]:
    """Compile a list of full names (globs; the case of letters does not count) or of the service's own ids."""
    entries = list(place.texts(wanted))
    ids = {text for _at, text in entries if text.isdecimal()}
    globs = [text for _at, text in entries if text not in ids]
    for at, text in entries:
        _compile_glob(at, text.removeprefix("!"))
    patterns = compile_patterns(globs, fold=True) if globs and not place.problems else None

    def test(event: Event) -> bool:
        repository = event.repository
        if repository is None:
            return False
        name = repository.full_name
        return repository.id in ids or (patterns is not None and name is not None and patterns.select(name.casefold()))

    return test


def _compile_when(place: Place, name: str, wanted: Any) -> Iterable[CompiledRule]:
    for at, source in place.entries(wanted, "expressions", MOST_EXPRESSIONS):
        text = at.text(source, LONGEST)
        if text is None:
            continue
        try:
            expression = Expression(text)
        except ValueError as error:
            at.refuse(f"The expression is refused: {error}.")
        else:
            index = at.path[at.path.rindex("[") :]
            yield CompiledRule(name=f"{name}{index}", wanted=shorten(text), test=_test_of(expression))


def _test_of(expression: Expression) -> Callable[[Facts], Finding]:
    def test(facts: Facts) -> Finding:
        try:
            value = expression.evaluate(facts.names, facts.deadline.cap(EXPRESSION_LIMIT))
        except Undecided as error:
            return Finding(False, shorten(f"it could not be evaluated: {error}"))
        return Finding(bool(value), shorten(value))

    return test


def _compile_any(place: Place, name: str, wanted: Any) -> Iterable[CompiledRule]:
    alternatives = [
        compile_filters(at, each, prefix=f"{name}[{index}].")
        for index, (at, each) in enumerate(place.entries(wanted, "objects", MOST_ALTERNATIVES))
    ]

    count = sum(map(len, alternatives))
    if count > MOST_IN_ALTERNATIVES:
        place.refuse(f"The alternatives have {count} rules in all; {MOST_IN_ALTERNATIVES} are allowed.")

    def test(facts: Facts) -> Finding:
        said: list[Rule] = []
        match: dict[str, str | None] = {}
        passed: list[str] = []
        for index, rules in enumerate(alternatives):
            if facts.deadline.is_over:
                break
            answers = ask(rules, facts)
            said += answers.rules
            if answers.failed is None:
                passed.append(f"{name}[{index}]")
                match |= answers.match
        return Finding(bool(passed), passed, match or None, tuple(said))

    yield CompiledRule(name=name, wanted=f"one of {len(alternatives)} alternatives", test=test)


RULES: Final[Mapping[str, Compile]] = {
    "events": _compile_events,
    "actions": _compile_actions,
    "branches": _names(find_branch),
    "base_branches": _names(lambda event: event.base_branch),
    "tags": _names(lambda event: event.tag),
    "paths": _compile_paths,
    "labels": _compile_labels,
    "authors": _names(_find_author, fold=True),
    "drafts": _compile_drafts,
    "comment": _compile_comment,
    "repositories": _compile_repositories,
    "when": _compile_when,
    "any": _compile_any,
}
