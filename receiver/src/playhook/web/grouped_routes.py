# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find a route by the first words of the path: Starlette tries one after the other, and the API has hundreds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Final

from starlette.datastructures import URLPath
from starlette.routing import BaseRoute, Match, NoMatchFound, Route
from starlette.types import Receive, Scope, Send

_DEPTH: Final = 4  # "/api/v2/<resource>": no path has a parameter before it


class GroupedRoutes(BaseRoute):
    """Several routes as one."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._groups: defaultdict[tuple[str, ...], list[Route]] = defaultdict(list)
        for route in routes:
            self._groups[_group(route.path)].append(route)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Return the best match within the group, as Starlette's router would."""
        best: tuple[Match, Scope] = (Match.NONE, {})
        for route in self._groups.get(_group(scope.get("path", "")), ()):
            match, found = route.matches(scope)
            if match is not Match.NONE and best[0] is Match.NONE:
                best = match, {**found, "grouped_route": route}
            if match is Match.FULL:
                return match, {**found, "grouped_route": route}
        return best

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the route that matched."""
        await scope["grouped_route"].handle(scope, receive, send)

    def url_path_for(self, name: str, /, **path_params: Any) -> URLPath:
        """Refuse: the API's paths are written by its resources."""
        raise NoMatchFound(name, path_params)


def _group(path: str) -> tuple[str, ...]:
    return tuple(path.split("/", _DEPTH)[:_DEPTH])
