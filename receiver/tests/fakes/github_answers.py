# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How GitHub says no, and the bodies it takes.

https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api
"""

from __future__ import annotations

from typing import Any

from tests.fakes.http import Call, Refused

_DOCS = "https://docs.github.com/rest"


def refusal(status: int, message: str) -> Refused:
    """Return a plain refusal."""
    return Refused(status, {"message": message, "documentation_url": _DOCS, "status": str(status)})


def invalid(resource: str, *errors: tuple[str, str]) -> Refused:
    """Return the 422 for (field, message) pairs; an empty field is left out, as it is for hooks."""
    told = [
        {"resource": resource, "code": "custom", **({"field": name} if name else {}), "message": message}
        for name, message in errors
    ]
    content = {"message": "Validation Failed", "errors": told, "documentation_url": _DOCS, "status": "422"}
    return Refused(422, content)


def json_object(call: Call) -> dict[str, Any]:
    """Return the body, an object."""
    try:
        body = call.json()
    except ValueError:
        raise refusal(400, "Problems parsing JSON") from None
    if not isinstance(body, dict):
        raise refusal(400, "Body should be a JSON object")
    return body
