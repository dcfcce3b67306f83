# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The services that this installation has. They are plugins and no rows, so this list has no filters."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from playhook.services.base import Sampled, Service
from playhook.web.api_v2.call import Call
from playhook.web.api_v2.pages import answer_whole


def show_services(call: Call) -> Response:
    """Answer a page of the services, in the order of their names, to anyone who is logged in."""
    _principal = call.principal
    return answer_whole(call, [_show(each) for each in call.context.services.values()])


def _show(service: Service) -> dict[str, Any]:
    return {
        "name": service.name,
        "label": service.label,
        "credential_type": service.credential_type,
        "posts_statuses": service.credential_type is not None,
        "settings": list(getattr(service, "option_names", ())),
        "sample_event_types": list(service.sample_types) if isinstance(service, Sampled) else [],
    }
