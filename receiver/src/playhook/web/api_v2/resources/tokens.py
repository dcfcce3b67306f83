# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tokens: shown once. AWX's modules make and delete one around every task, so both must be cheap."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from playhook.errors import Forbidden
from playhook.store.tokens import LIFETIME, check_scope, make_token, token_digest
from playhook.web.api_v2.fields import computed, constant, reference, text
from playhook.web.api_v2.resource import Access, Resource, Shown
from playhook.web.api_v2.resources.standard_fields import USER_SUMMARY
from playhook.web.api_v2.write import Draft

_HIDDEN: Final = "************"


def _check(draft: Draft) -> None:
    if "scope" in draft.values:
        check_scope(draft.values["scope"])
    if draft.current is not None:
        return
    user_id = draft.values.setdefault("user_id", draft.call.principal.id)
    if user_id != draft.call.principal.id:
        raise Forbidden  # a token acts for its user: nobody makes one for somebody else
    draft.extra["token"] = make_token()
    draft.values["token_digest"] = token_digest(draft.extra["token"])
    draft.values["expires"] = datetime.now(UTC) + LIFETIME


def _reveal(draft: Draft, shown: Shown) -> None:
    shown["token"] = draft.extra["token"]


TOKENS: Final = Resource(
    name="tokens",
    type="o_auth2_access_token",
    model="OAuth2AccessToken",
    table="tokens",
    label="access token",
    fields=(
        text("description", help_text="Optional description of this access token."),
        reference("user", "users", read_only=True, summary=USER_SUMMARY, help_text="The user of this token."),
        constant("token", _HIDDEN, forbidden=True),
        constant("refresh_token", None, forbidden=True),
        reference("application", "", column=None),
        computed("expires", "datetime", column="expires"),
        text("scope", default="write",
             help_text="Allowed scopes, further restricts user's permissions. Must be a simple space-separated string "
             "with allowed scopes ['read', 'write']."),
    ),
    order=("id",),
    search=("description",),
    access=Access(read="administrators", create="everyone", own="user_id"),
    authored=False,
    capabilities={},
    related=("activity_stream",),
    check=_check,
    reveal=_reveal,
)  # fmt: skip
