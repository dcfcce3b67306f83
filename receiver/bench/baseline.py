# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The yardstick: a Starlette app that only verifies and parses, and stores nothing. `python -m bench.baseline PORT`."""

from __future__ import annotations

import hashlib
import hmac
import sys

import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

KEY = "the-baseline-webhook-key"


async def _receive(request: Request) -> Response:
    body = await request.body()
    signature = "sha256=" + hmac.new(KEY.encode(), body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(signature, request.headers.get("x-hub-signature-256", "")):
        return Response(status_code=403)
    orjson.loads(body)
    return Response(b'{"message":"Job queued."}', 202, media_type="application/json")


if __name__ == "__main__":
    app = Starlette(routes=[Route("/hook/", _receive, methods=["POST"])])
    uvicorn.run(app, port=int(sys.argv[1]), access_log=False, log_level="error", lifespan="off")
