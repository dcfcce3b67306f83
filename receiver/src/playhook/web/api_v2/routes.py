# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The routes of the API, made from the declarations of the resources."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from typing import Any

import orjson
from starlette.responses import Response
from starlette.routing import Route

from playhook.web.api_v2.call import PREFIX, ApiContext, Call
from playhook.web.api_v2.endpoints import Answer, Endpoints, bind
from playhook.web.api_v2.openapi import make_document
from playhook.web.api_v2.options import (
    describe_action,
    describe_association,
    describe_detail,
    describe_list,
    describe_path,
    describe_sub_list,
)
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
    for path, view in _all_views(endpoints, context):
        routes += server.routes(path, view)
    return routes


def _all_views(endpoints: Endpoints, context: ApiContext) -> list[tuple[str, View]]:
    views = list(root_views(endpoints))
    for resource in endpoints.resources.values():
        views += _views(endpoints, resource)
    labels = {name: service.label for name, service in context.services.items()}

    @cache
    def document() -> bytes:
        return orjson.dumps(make_document(views, labels))

    def show_schema(_call: Call) -> Response:
        return Response(document(), media_type="application/json")

    views.append((f"{PREFIX}schema/", View(methods={"GET": show_schema}, describe=_named("OpenAPI document", "GET"))))
    return views


def _views(endpoints: Endpoints, resource: Resource) -> Iterator[tuple[str, View]]:
    base = f"{PREFIX}{resource.name}/"
    if resource.list_methods:
        lists: dict[str, Answer] = {
            "GET": bind(endpoints.list_all, resource),
            "POST": bind(endpoints.create, resource),
        }
        methods = {method: lists[method] for method in resource.list_methods}
        yield base, View(methods=methods, describe=partial(describe_list, resource), resource=resource, is_list=True)
    details: dict[str, Answer] = {
        "GET": bind(endpoints.show, resource),
        "PUT": bind(endpoints.change, resource),
        "PATCH": bind(endpoints.change, resource),
        "DELETE": bind(endpoints.delete, resource),
    }
    detail = {method: details[method] for method in resource.detail_methods}
    if detail:
        yield f"{base}{{key}}/", View(methods=detail, describe=partial(describe_detail, resource), resource=resource)
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
        describe = partial(describe_action, title, sub)
        return View(
            methods=methods,
            describe=describe,
            formats=sub.formats,
            media_types=sub.media_types,
            resource=resource,
            sub=sub,
        )
    listed = endpoints.resources[sub.resource]
    methods = {"GET": bind(endpoints.list_below, resource, sub)}
    if isinstance(sub, Association):
        if sub.writable:
            methods["POST"] = bind(endpoints.associate, resource, sub)
        describe = partial(describe_association, listed, sub)
        return View(methods=methods, describe=describe, resource=listed, sub=sub, is_list=True)
    if sub.creates:
        methods["POST"] = bind(endpoints.create_below, resource, sub)
    describe = partial(describe_sub_list, listed, sub)
    return View(methods=methods, describe=describe, resource=listed, sub=sub, is_list=True)


def _empty_view(endpoints: Endpoints, resource: Resource, name: str) -> View:
    title = name.replace("_", " ").title()
    methods = {"GET": bind(endpoints.empty_list, resource)}
    return View(methods=methods, describe=_named(title, "GET"), is_list=True)


def _named(name: str, *methods: str) -> Callable[[Call], Mapping[str, Any]]:
    return lambda _call: describe_path(name, methods)
