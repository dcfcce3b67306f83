# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a template's `playhook` object says about its deliveries: checked when it is saved, compiled when it is read.

preset, filters             which deliveries launch (intake/filters.py)
dedupe                      what counts as a repeat, and what becomes of it
vars_from_payload, allowed_values
                            what the job takes from the event (intake/launch_values.py)
repositories, networks      from where deliveries are taken at all; others are refused
allow_sha1                  whether GitHub's old signature is enough
service_options             what the service must be told of its deliveries (services/base.py, Configurable)
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

from playhook.domain.event import Event
from playhook.errors import InvalidInput
from playhook.intake.filters import CompiledRule, compile_filters, compile_repositories, needs_time, shorten
from playhook.intake.launch_values import LaunchValue, compile_values
from playhook.intake.places import Place
from playhook.services.base import Configurable, Service

PRESETS: Final[Mapping[str, Mapping[str, Any]]] = {
    "all": {},
    "ci": {
        "events": ["push", "pull_request"],
        "actions": ["created", "updated", "opened", "reopened", "ready_for_review"],
        "drafts": False,
    },
    "deploy": {"events": ["push"], "actions": ["created", "updated"], "branches": ["main", "master"]},
}
KEYS: Final = frozenset(
    {
        "preset", "filters", "dedupe", "vars_from_payload", "allowed_values", "repositories", "networks", "allow_sha1",
        "service_options",
    }
)  # fmt: skip
"""The keys of a template's `playhook` that are read here."""
ENDPOINT_KEYS: Final = frozenset({"repositories", "networks", "allow_sha1", "service_options"})
"""Those of an endpoint's: whose deliveries it takes. What they launch is each template's own affair."""

# Only where the service sends no guid of its own, or the template asks for it: an equal body later is a new event.
_BODY_WINDOW: Final = 600
_LONGEST_WINDOW: Final = 10 * 365 * 24 * 3600
_REPEATS: Final = ("skip", "rerun")

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, kw_only=True)
class Dedupe:
    """What counts as a repeat: the same guid, or with `body` the same body, within `window` (None: for ever)."""

    window: timedelta | None = None
    body_window: timedelta = timedelta(seconds=_BODY_WINDOW)
    body: bool = False
    reruns: bool = False


@dataclass(frozen=True, kw_only=True)
class Rules:
    """A template's rules, compiled. `broken` says why they cannot be used; then nothing launches.

    `slow` rules have a time limit and may come near it, so they are not asked where others wait.
    """

    filters: tuple[CompiledRule, ...] = ()
    values: tuple[LaunchValue, ...] = ()
    dedupe: Dedupe = Dedupe()
    binds: Callable[[Event], bool] | None = None
    networks: tuple[Network, ...] = ()
    allow_sha1: bool = False
    slow: bool = False
    broken: str = ""


def validate_rules(playhook: Mapping[str, Any], service: Service | None = None) -> dict[str, list[str]]:
    """Return what is wrong, as place → sentences, {} when nothing is; keys that are not ours are not looked at.

    `service` is the webhook's, whose own options are checked with it; None when the webhook is off.
    """
    place = Place()
    _compile(place, playhook)
    options = place.key("service_options").mapping(playhook.get("service_options") or {})
    if isinstance(service, Configurable):
        try:
            service.configure(options)
        except InvalidInput as error:
            for name, sentences in error.messages.items():
                place.problems.setdefault(f"service_options.{name}", []).extend(sentences)
    elif options and service is not None:
        place.key("service_options").refuse(f"The service {service.name} has no options.")
    return place.problems


def validate_repositories(repositories: Any, path: str = "repositories") -> dict[str, list[str]]:
    """Return what is wrong with a list of repositories, as of a template that is bound to an endpoint."""
    place = Place(path)
    compile_repositories(place, repositories)
    return place.problems


def compile_rules(playhook: Mapping[str, Any]) -> Rules:
    """Compile what was saved. What should never have been is not raised here: a delivery cannot mend it."""
    place = Place()
    rules = _compile(place, playhook)
    if not place.problems:
        return replace(rules, slow=bool(rules.values) or needs_time(effective_filters(playhook)))
    where, sentences = next(iter(place.problems.items()))
    return Rules(broken=f"The template's {where} cannot be used: {sentences[0]}")


def effective_filters(playhook: Mapping[str, Any]) -> dict[str, Any]:
    """Return the rules of the preset with the template's own over them, name by name."""
    return {**PRESETS.get(playhook.get("preset") or "all", {}), **(playhook.get("filters") or {})}


def tell_unbound(rules: Rules, event: Event) -> str:
    """Return why an event is refused for where it comes from, "" where it is not.

    A valid key may be used from elsewhere; an organization's ping has no repository.
    """
    if rules.binds is None or rules.binds(event) or (event.kind == "ping" and event.repository is None):
        return ""
    name = shorten(event.repository.full_name or event.repository.id) if event.repository else None
    return f"the repository {name or 'that is not named'} is not one that this address is bound to"


def compile_networks(place: Place, wanted: Any) -> tuple[Network, ...]:
    """Compile a list of addresses and networks."""
    networks = []
    for at, text in place.texts(wanted):
        try:
            networks.append(ipaddress.ip_network(text.strip()))
        except ValueError as error:
            at.refuse(f"This is neither an address nor a network: {error}.")
    return tuple(networks)


def is_within(remote: str, networks: Sequence[Network]) -> bool:
    """Tell whether an address is in one of the networks; an IPv4 address may come in IPv6's clothes."""
    try:
        address = ipaddress.ip_address(remote.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return any((mapped or address) in network for network in networks)


def _compile(place: Place, playhook: Mapping[str, Any]) -> Rules:
    bound, networks, sha1 = (playhook.get(name) for name in ("repositories", "networks", "allow_sha1"))
    return Rules(
        filters=_compile_filters(place, playhook),
        values=compile_values(place, playhook.get("vars_from_payload") or {}, playhook.get("allowed_values") or {}),
        dedupe=_compile_dedupe(place.key("dedupe"), playhook.get("dedupe")),
        binds=None if bound is None else compile_repositories(place.key("repositories"), bound),
        networks=() if networks is None else compile_networks(place.key("networks"), networks),
        allow_sha1=sha1 is not None and place.key("allow_sha1").flag(sha1),
    )


def _compile_filters(place: Place, playhook: Mapping[str, Any]) -> tuple[CompiledRule, ...]:
    preset, filters = playhook.get("preset"), playhook.get("filters")
    if preset is not None and preset not in tuple(PRESETS):
        place.key("preset").refuse(f"There is no such preset; there are {', '.join(PRESETS)}.")
        preset = None
    at = place.key("filters")
    own = {} if filters is None else at.mapping(filters)
    return compile_filters(at, effective_filters({"preset": preset, "filters": own}))


def _compile_dedupe(place: Place, wanted: Any) -> Dedupe:
    if wanted is None:
        return Dedupe()
    given = place.mapping(wanted)
    for name in given:
        if name not in {"window", "body", "on_repeat"}:
            place.key(name).refuse("There is no such setting here; there are window, body and on_repeat.")
    seconds = given.get("window")
    if seconds is not None:
        seconds = place.key("window").number(seconds, 1, _LONGEST_WINDOW)
    on_repeat = given.get("on_repeat", "skip")
    if on_repeat not in _REPEATS:
        place.key("on_repeat").refuse(f"One of {' and '.join(_REPEATS)} is wanted.")
    return Dedupe(
        window=timedelta(seconds=seconds) if seconds else None,
        body_window=timedelta(seconds=seconds or _BODY_WINDOW),
        body=place.key("body").flag(given.get("body", False)),
        reruns=on_repeat == "rerun",
    )
