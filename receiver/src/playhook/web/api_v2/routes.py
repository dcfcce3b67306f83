# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The routes of the API, made from the declarations of the resources."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from starlette.routing import Route

from playhook.web.api_v2.call import PREFIX, ApiContext
from playhook.web.api_v2.endpoints import Answer, Endpoints, bind
from playhook.web.api_v2.options import describe_association, describe_detail, describe_list, describe_path
from playhook.web.api_v2.resource import Action, Association, Resource, Sub
from playhook.web.api_v2.resources import all_resources
from playhook.web.api_v2.root import root_views
from playhook.web.api_v2.serve import Server, View
from playhook.web.auth import Gate
from playhook.web.login import Login


def api_routes(context: ApiContext) -> list[Route]:
    """Return every route below `/api/`. Paths are exact: what is not one of them is left to other routes."""
    resources = all_resources(context)
    endpoints = Endpoints(resources)
    gate = Gate(context.store, context.settings)
    server = Server(context=context, gate=gate, api=endpoints)
    routes = Login(context.store, context.settings, gate).routes()
    for path, view in root_views(endpoints):
        routes += server.routes(path, view)
    for resource in resources.values():
        for path, view in _views(endpoints, resource):
            routes += server.routes(path, view)
    return routes


def _views(endpoints: Endpoints, resource: Resource) -> Iterator[tuple[str, View]]:
    base = f"{PREFIX}{resource.name}/"
    if resource.list_methods:
        lists: dict[str, Answer] = {
            "GET": bind(endpoints.list_all, resource),
            "POST": bind(endpoints.create, resource),
        }
        methods = {method: lists[method] for method in resource.list_methods}
        yield base, View(methods=methods, describe=partial(describe_list, resource))
    details: dict[str, Answer] = {
        "GET": bind(endpoints.show, resource),
        "PUT": bind(endpoints.change, resource),
        "PATCH": bind(endpoints.change, resource),
        "DELETE": bind(endpoints.delete, resource),
    }
    detail = {method: details[method] for method in resource.detail_methods}
    if detail:
        yield f"{base}{{key}}/", View(methods=detail, describe=partial(describe_detail, resource))
    for sub in resource.sub:
        yield f"{base}{{key}}/{sub.name}/", _view_below(endpoints, resource, sub)
    built = {sub.name for sub in resource.sub}
    for name in (resource.related_paths.get(each, each) for each in resource.related):
        if name not in built:
            yield f"{base}{{key}}/{name}/", _empty_view(endpoints, resource, name)


def _view_below(endpoints: Endpoints, resource: Resource, sub: Sub) -> View:
    title = (getattr(sub, "label", "") or sub.name.replace("_", " ")).title()
    if isinstance(sub, Action):
        run = bind(endpoints.act, resource, sub)
        methods: dict[str, Answer] = dict.fromkeys(sub.methods, run)
        describe = partial(_describe_named, title, tuple(sub.methods))
        return View(methods=methods, describe=describe, formats=sub.formats, media_types=sub.media_types)
    listed = endpoints.resources[sub.resource]
    methods = {"GET": bind(endpoints.list_below, resource, sub)}
    if isinstance(sub, Association):
        if sub.writable:
            methods["POST"] = bind(endpoints.associate, resource, sub)
        return View(methods=methods, describe=partial(describe_association, listed, sub))
    if sub.creates:
        methods["POST"] = bind(endpoints.create_below, resource, sub)
    return View(methods=methods, describe=partial(describe_list, listed))


def _empty_view(endpoints: Endpoints, resource: Resource, name: str) -> View:
    title = name.replace("_", " ").title()
    methods = {"GET": bind(endpoints.empty_list, resource)}
    return View(methods=methods, describe=partial(_describe_named, title, ("GET",)))


def _describe_named(name: str, methods: tuple[str, ...], _call: object) -> dict[str, object]:
    return describe_path(name, methods)
