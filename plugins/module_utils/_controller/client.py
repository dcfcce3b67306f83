# Copyright: Playhook contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The AWX API v2, as AWX and the Playhook receiver both speak it."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from ansible.module_utils.common.text.converters import to_bytes, to_text
from ansible_collections.playhook.webhooks.plugins.module_utils._errors import (
    InvalidOption,
    ObjectAmbiguous,
    ObjectMissing,
    UnexpectedAnswer,
)
from ansible_collections.playhook.webhooks.plugins.module_utils._http import (
    Connection,
    JsonClient,
    base_url_of,
    clear_text_warnings,
)

_REMEDY = "controller_oauthtoken, or controller_username and controller_password"
_PAGE_SIZE = 200  # the most that AWX gives


@dataclass(frozen=True)
class Named:
    """An object that an option names; id is None in check mode if it does not exist yet."""

    id: Any
    name: str
    content: dict[str, Any]


class Controller:
    """Read and write the objects of one receiver or AWX.

    In check mode a named object that is missing is a warning and not an error, because a task before this one may be
    about to create it.
    """

    def __init__(self, http, check_mode=False):
        self._http = http
        self._check_mode = check_mode
        self.warnings = clear_text_warnings("controller_host", http.base_url)
        self._named = {}

    @property
    def host(self):
        """Return the server's address as the user gave it."""
        return self._http.base_url

    def send(self, method, path, body=None):
        """Send a request for a path of the API, either whole (as url, related and next give it) or below /api/v2/."""
        return self._http.request(method, self._url(path), body)

    def list_all(self, path, **filters):
        """Return the objects of all pages of a list."""
        page = self._page(f"{path}?{urlencode(dict(filters, page_size=_PAGE_SIZE))}")
        found = list(page["results"])
        while page.get("next"):
            page = self._page(page["next"])
            found.extend(page["results"])
        return found

    def find(self, resource, name, **filters):
        """Return the object of this name, or None; below an object that does not exist yet there is none."""
        if None in filters.values():
            return None
        page = self._page(f"{resource}/?{urlencode(dict(filters, name=name))}")
        return self._only(page["results"], resource, name)

    def get_named(self, resource, name, **filters):
        """Return the object that an option names, by its name or its id; many nodes may name the same one."""
        asked = (resource, name, *sorted(filters.items()))
        if asked not in self._named:
            self._named[asked] = self._get_named(resource, name, filters)
        return self._named[asked]

    def _get_named(self, resource, name, filters):
        lookup = {"or__id": name, "or__name": name} if name.isdigit() else {"name": name}
        page = self._page(f"{resource}/?{urlencode(dict(filters, **lookup))}")
        found = self._only(page["results"], resource, name)
        if found is not None:
            return Named(found["id"], found["name"], found)
        missing = f"{_singular(resource)} {name!r} does not exist on {self.host}"
        if not self._check_mode:
            raise ObjectMissing(missing + ", or this user may not see it. Create it first, or correct its name.")
        self.warnings.append(missing + ". If no task before this one creates it, this one will fail.")
        return Named(None, name, {})

    def refuse(self, problem):
        """Raise InvalidOption; in check mode warn, because a task before this one may be about to mend it."""
        if not self._check_mode:
            raise InvalidOption(problem)
        self.warnings.append(problem + " If no task before this one does that, this one will fail.")

    def refuse_awx(self, options, existing):
        """Raise InvalidOption if this is an AWX, which does not know these options; existing is None for a new object.

        What is ours stands under the key playhook, in every object that has something of ours and in ping.
        """
        if "playhook" not in (self.send("GET", "ping/") if existing is None else existing):
            raise InvalidOption(f"{self.host} is an AWX, which has no {', '.join(options)}. Omit that.")

    def _page(self, path):
        page = self.send("GET", path)
        if not isinstance(page, dict) or not isinstance(page.get("results"), list):
            raise UnexpectedAnswer(f"{self.host} does not speak the AWX API: no list at {path}. Check controller_host.")
        return page

    def _only(self, results, resource, name):
        if len(results) > 1:
            ids = ", ".join(str(found["id"]) for found in results)
            raise ObjectAmbiguous(
                f"{_singular(resource)} {name!r} is not one object on {self.host}: the ids {ids} fit. "
                "Give the id, or the organization."
            )
        return results[0] if results else None

    def _url(self, path):
        if not path.startswith("/"):
            return f"{self.host}/api/v2/{path}"
        if path.startswith("//"):
            raise UnexpectedAnswer(f"{self.host} sent a link to another server, {path}; it is not followed.")
        # Behind a proxy that adds a prefix, the server's own paths may lack it.
        prefix = urlsplit(self.host).path
        origin = self.host[: -len(prefix)] if prefix and path.startswith(prefix + "/") else self.host
        return origin + path


def connect(params, check_mode=False):
    """Return the controller that the connection options of a module name."""
    connection = Connection(
        validate_certs=params["validate_certs"],
        timeout=params["request_timeout"],
        ca_path=params["ca_path"],
        remedy=_REMEDY,
    )
    host = base_url_of("controller_host", params["controller_host"])
    return Controller(JsonClient(host, {"Authorization": _authorization(params)}, connection), check_mode)


def _authorization(params):
    if params["controller_oauthtoken"]:
        return "Bearer " + params["controller_oauthtoken"]
    if not params["controller_username"] or params["controller_password"] is None:
        raise InvalidOption(
            "No credentials for {}: give {}, or set CONTROLLER_OAUTH_TOKEN in the environment.".format(
                params["controller_host"], _REMEDY
            )
        )
    # As Basic in every request: one request where a token of its own would cost three more.
    pair = params["controller_username"] + ":" + params["controller_password"]
    return "Basic " + to_text(base64.b64encode(to_bytes(pair)))


def _singular(resource):
    words = resource.replace("_", " ")
    return (words[:-3] + "y" if words.endswith("ies") else words[:-1]).capitalize()
