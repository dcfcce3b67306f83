# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The OpenAPI document of the API, made from the same declarations as its routes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from playhook import __version__
from playhook.web.api_v2.call import PREFIX
from playhook.web.api_v2.pages import MAX_PAGE_SIZE, PAGE_SIZE
from playhook.web.api_v2.resource import Action, Association, Resource, SubList
from playhook.web.api_v2.schemas import (
    ANYTHING,
    ASSOCIATED,
    ERROR,
    REFUSAL,
    TEXT,
    Schema,
    describe_action,
    describe_input,
    describe_object,
    page_of,
)
from playhook.web.api_v2.serve import View

Document = dict[str, Any]

_ABOUT: Final = (
    "The objects that Playhook has, in the shape of AWX's API version 2. What AWX does not have is under the key "
    "`playhook` of an object. Error bodies are AWX's."
)
_FILTERS: Final = (
    "`[or__|chain__][not__]<field>[__<related field> …][__<lookup>]=value`; the lookups are exact, iexact, contains, "
    "icontains, startswith, istartswith, endswith, iendswith, regex, iregex, gt, gte, lt, lte, in, isnull, and search "
    "for related objects."
)
_ERRORS: Final[Mapping[int, tuple[str, Schema]]] = {
    400: ("What was sent or asked for is wrong.", REFUSAL),
    401: ("Nobody is logged in, or the password or token is wrong.", ERROR),
    403: ("The caller may not do this.", ERROR),
    404: ("There is no such object or page.", ERROR),
    405: ("The object's state does not allow it.", ERROR),
    406: ("The answer is JSON, which `Accept` does not take.", ERROR),
    409: ("The object is in use.", ERROR),
    413: ("The body is too large.", ERROR),
    415: ("The body is not JSON.", ERROR),
    429: ("Too many requests; see Retry-After.", ERROR),
    503: ("The database cannot be used now; see Retry-After.", ERROR),
}
_OF_READING: Final = (400, 401, 403, 404, 406, 503)
_VERBS: Final = {"GET": "read", "POST": "create", "PUT": "replace", "PATCH": "change", "DELETE": "delete"}
_KEY: Final = {
    "name": "key",
    "in": "path",
    "required": True,
    "description": "The object's id, or its named URL as in `Deploy++Default`.",
    "schema": {"type": "string", "minLength": 1},
}


def make_document(views: Iterable[tuple[str, View]], services: Mapping[str, str]) -> Document:
    """Describe the API. `services` are the names of the services and their labels."""
    listed = list(views)
    resources = {view.resource.name: view.resource for _path, view in listed if view.resource is not None}
    paths = {path: _describe_path(path, view) for path, view in listed}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Playhook", "version": __version__, "description": _ABOUT},
        "servers": [{"url": "/"}],
        "security": [{"basic": []}, {"token": []}, {"session": []}],
        "tags": [{"name": each.title} for each in resources.values()],
        "paths": {**paths, **dict(_receivers(services)), **_LOGIN},
        "components": {
            "securitySchemes": {
                "basic": {"type": "http", "scheme": "basic"},
                "token": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": "awx_sessionid"},
            },
            "responses": {f"Error{status}": _answer(text, schema) for status, (text, schema) in _ERRORS.items()},
            "parameters": {"key": _KEY, **_LIST_PARAMETERS},
            "schemas": dict(_schemas(resources.values())),
        },
    }


def _schemas(resources: Iterable[Resource]) -> Iterator[tuple[str, Schema]]:
    for each in resources:
        yield each.model, describe_object(each)
        yield f"{each.model}Page", page_of(each.model)
        yield f"{each.model}Input", describe_input(each, whole=True)
        yield f"{each.model}Changes", describe_input(each, whole=False)


def _describe_path(path: str, view: View) -> Document:
    keys = [{"$ref": "#/components/parameters/key"}] if "{key}" in path else []
    described: Document = {"parameters": keys} if keys else {}
    for method in view.methods:
        described[method.lower()] = _describe_operation(path, view, method)
    return described


def _describe_operation(path: str, view: View, method: str) -> Document:
    words = path.removeprefix(PREFIX).strip("/").replace("{key}", "one").replace("/", "_").replace("-", "_")
    operation: Document = {"operationId": f"{_VERBS[method]}_{words or 'root'}"}
    if view.resource is not None:
        operation["tags"] = [view.resource.title]
    if view.anonymous:
        operation["security"] = [{}]
    if view.is_list and method == "GET":
        operation["parameters"] = [{"$ref": f"#/components/parameters/{name}"} for name in _LIST_PARAMETERS]
    if method in {"POST", "PUT", "PATCH"}:
        operation["requestBody"] = {"content": _json(_body(view, method))}
    errors = [*_OF_READING, *(() if method == "GET" else (405, 409, 413, 415, 429))]
    operation["responses"] = {
        **{str(status): answer for status, answer in _answers(view, method)},
        **{str(status): {"$ref": f"#/components/responses/Error{status}"} for status in errors},
    }
    return operation


def _body(view: View, method: str) -> Schema:
    resource, sub = view.resource, view.sub
    if isinstance(sub, Action):
        return describe_action(sub)
    if resource is None:
        return ANYTHING
    if isinstance(sub, Association):
        return {"anyOf": [ASSOCIATED, _ref(f"{resource.model}Input")]} if sub.creates else ASSOCIATED
    if isinstance(sub, SubList):  # the object that the path names is filled in
        return _ref(f"{resource.model}Changes")
    return _ref(f"{resource.model}Changes" if method == "PATCH" else f"{resource.model}Input")


def _answers(view: View, method: str) -> Iterator[tuple[int, Document]]:
    resource, sub = view.resource, view.sub
    if isinstance(sub, Action) or resource is None:
        yield from _answers_of_action(view, method)
    elif method == "DELETE":
        yield 204, {"description": "It is deleted."}
    elif method == "GET":
        yield 200, _answer("OK", _ref(f"{resource.model}Page" if view.is_list else resource.model))
    elif method == "POST":
        if not isinstance(sub, Association) or sub.creates:
            location = {"Location": {"schema": TEXT, "description": "The path of the new object."}}
            yield 201, {**_answer("It is made.", _ref(resource.model)), "headers": location}
        if isinstance(sub, Association):
            yield 204, {"description": "The list has it, or has it no longer."}
    else:
        yield 200, _answer("OK", _ref(resource.model))


def _answers_of_action(view: View, method: str) -> Iterator[tuple[int, Document]]:
    if isinstance(view.sub, Action) and method in view.sub.silent:
        yield 200, {"description": "It is done."}
        return
    others = {each: {"schema": TEXT} for each in sorted(view.other_types)}
    for status in (200,) if method == "GET" else (200, 201):
        yield status, {"description": "OK", "content": {**_json(ANYTHING), **others}}
    if method != "GET":  # some of these have a body and some have none
        yield 202, {"description": "It is begun."}
        yield 204, {"description": "It is done."}


def _receivers(services: Mapping[str, str]) -> Iterator[tuple[str, Document]]:
    """Describe where the services deliver to; a service's name in the path is one of those that are installed."""
    service = {"name": "service", "in": "path", "required": True, "schema": {"enum": sorted(services)}}
    name = {**_KEY, "name": "name", "description": "The name of a webhook endpoint."}
    key = {**_KEY, "description": "The id of a template.", "schema": {"type": "string", "pattern": "^[0-9]+$"}}
    for path, kind, first in (
        ("job_templates/{key}/{service}/", "job template", key),
        ("workflow_job_templates/{key}/{service}/", "workflow job template", key),
        ("webhooks/{service}/{name}/", "webhook endpoint", name),
    ):
        answers = {status: _answer(text, {"type": "object", "required": ["message"]}) for status, text in _DELIVERED}
        errors = {str(status): {"$ref": f"#/components/responses/Error{status}"} for status in _REFUSED_DELIVERIES}
        operation = {
            "operationId": f"deliver_to_{kind.replace(' ', '_')}",
            "tags": ["webhooks"],
            "summary": f"A delivery of a service to a {kind}",
            "security": [{}],
            "requestBody": {"content": {**_json(ANYTHING), "application/x-www-form-urlencoded": {"schema": ANYTHING}}},
            "responses": {**{str(status): answer for status, answer in answers.items()}, **errors},
        }
        yield f"{PREFIX}{path}", {"parameters": [first, service], "post": operation}


_DELIVERED: Final = (
    (200, "It is authentic, and launches nothing; `reason` says why."),
    (202, "It launched a job, or was received before."),
)
_REFUSED_DELIVERIES: Final = (400, 403, 413, 415, 429, 503)


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _json(schema: Schema) -> Document:
    return {"application/json": {"schema": schema}}


def _answer(description: str, schema: Schema) -> Document:
    return {"description": description, "content": _json(schema)}


def _parameter(name: str, schema: Schema, description: str, **more: Any) -> Document:
    return {"name": name, "in": "query", "schema": schema, "description": description, **more}


_LIST_PARAMETERS: Final[Mapping[str, Document]] = {
    "page": _parameter("page", TEXT, "The number of the page, or `last`."),
    "page_size": _parameter(
        "page_size", {"type": "integer"}, f"{PAGE_SIZE} unless given, and {MAX_PAGE_SIZE} at the most."
    ),
    "order_by": _parameter("order_by", TEXT, "Fields, separated by commas; `-` before one turns its order round."),
    "search": _parameter("search", TEXT, "Words that the object's texts must contain, in any case of letters."),
    "count_disabled": _parameter("count_disabled", TEXT, "Answer without counting."),
    "filters": _parameter(
        "filters",
        {"type": "object", "additionalProperties": TEXT},
        _FILTERS,
        style="form",
        explode=True,
    ),
}
_PAGE: Final = {"description": "A page for people.", "content": {"text/html": {"schema": TEXT}}}
_FORM: Final = {
    "application/x-www-form-urlencoded": {
        "schema": {"type": "object", "properties": {"username": TEXT, "password": TEXT, "next": TEXT}}
    }
}
_MOVED: Final = {"description": "On to `next`, with the session's cookie.", "headers": {"Location": {"schema": TEXT}}}
_REFUSED_FORMS: Final = {
    **{str(each): {"$ref": f"#/components/responses/Error{each}"} for each in (400, 413, 415, 503)}, "429": _PAGE,
}  # fmt: skip
_LOGIN: Final[Document] = {
    "/api/login/": {
        "get": {"operationId": "show_login", "security": [{}], "responses": {"200": _PAGE, "406": _PAGE}},
        "post": {
            "operationId": "log_in",
            "security": [{}],
            "requestBody": {"content": _FORM},
            "responses": {"302": _MOVED, "401": _PAGE, "403": _PAGE, **_REFUSED_FORMS},
        },
    },
    "/api/logout/": {
        "get": {"operationId": "show_logout", "security": [{}], "responses": {"302": _MOVED}},
        "post": {"operationId": "log_out", "security": [{}], "responses": {"302": _MOVED, "403": _PAGE}},
    },
}
