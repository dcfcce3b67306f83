# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`settings/`: the one category that clients of AWX read. Settings of this receiver are not changed by the API."""

from __future__ import annotations

from typing import Any, Final

from starlette.responses import Response

from playhook.web.api_v2.call import PREFIX, Call, answer
from playhook.web.api_v2.pages import answer_whole

_UI: Final[dict[str, Any]] = {
    "PENDO_TRACKING_STATE": "off",
    "CUSTOM_LOGIN_INFO": "",
    "CUSTOM_LOGO": "",
    "MAX_UI_JOB_EVENTS": 4000,
    "UI_LIVE_UPDATES_ENABLED": False,
}


def show_settings(call: Call) -> Response:
    """Answer the categories, to administrators and auditors."""
    call.require("readers")
    return answer_whole(call, [{"url": f"{PREFIX}settings/ui/", "slug": "ui", "name": "UI"}])


def show_ui_settings(call: Call) -> Response:
    """Answer what an interface would ask for."""
    call.require("readers")
    return answer(_UI)
