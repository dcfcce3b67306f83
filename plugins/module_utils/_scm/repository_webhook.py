# Copyright: Playhook contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plan a repository's hook, whatever the service."""

from __future__ import annotations

import os
from dataclasses import replace
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

from ansible_collections.playhook.webhooks.plugins.module_utils._errors import (
    InvalidOption,
    ObjectAmbiguous,
    ObjectMissing,
)
from ansible_collections.playhook.webhooks.plugins.module_utils._http import (
    Connection,
    JsonClient,
    base_url_of,
    clear_text_warnings,
)
from ansible_collections.playhook.webhooks.plugins.module_utils._keys import key_fingerprint, refuse_mask
from ansible_collections.playhook.webhooks.plugins.module_utils._plan import Plan, set_or_changed
from ansible_collections.playhook.webhooks.plugins.module_utils._scm.github import GitHub
from ansible_collections.playhook.webhooks.plugins.module_utils._scm.gitlab import GitLab
from ansible_collections.playhook.webhooks.plugins.module_utils._scm.hook import Wanted

SERVICES = {"github": GitHub, "gitlab": GitLab}


def token_of(params):
    """Return the token that the option or the service's own environment variable holds."""
    variable = SERVICES[params["service"]].token_variable
    token = params["token"] or os.environ.get(variable)
    if not token:
        raise InvalidOption(
            "No token for {}: give token, or set the environment variable {}.".format(params["service"], variable)
        )
    return token


def ensure_repository_webhook(params, token, check_mode):
    """Make the repository's hook as the options say and return the module's result."""
    client, service = _connect(params, token)
    wanted = _wanted(service, params)
    hook, duplicates = _identify(service.hooks(), params)
    if params["state"] == "absent":
        plan = _plan_absence(service, [hook, *duplicates] if hook else [])
    else:
        plan = _plan_presence(service, hook, wanted, params)
        plan = _with_purge(service, plan, duplicates)
    plan = replace(plan, warnings=tuple(clear_text_warnings("api_url", client.base_url)))
    result = dict(plan.result, hook=plan.after or None, hook_id=hook.id if hook else None)
    result["key_fingerprint"] = key_fingerprint(wanted.key) if wanted.key else None
    if check_mode:
        return result
    created = plan.apply(client.request)["subject"]
    if params["state"] == "absent":
        return result
    result["hook_id"] = created["id"]
    if wanted.key and plan.before.get("key") != plan.after["key"]:
        service.settle(result["hook_id"], wanted.key)
    if params["test"]:
        result["test_status_code"] = service.test(result["hook_id"], params["test_timeout"])
    return result


def _connect(params, token):
    kind = SERVICES[params["service"]]
    connection = Connection(
        validate_certs=params["validate_certs"],
        timeout=params["request_timeout"],
        ca_path=params["ca_path"],
        remedy="token, and whether it may administer the repository's webhooks",
    )
    base_url = kind.api_url(base_url_of("api_url", params["api_url"] or kind.default_api_url))
    client = JsonClient(base_url, kind.headers(token), connection)
    return client, kind(client, params["repository"])


def _wanted(service, params):
    refuse_mask("key", params["key"])
    if params["key"] == "":
        raise InvalidOption(
            "key is empty, and a hook without a key must not exist. Omit key to keep the one that is there."
        )
    wanted = Wanted(
        url=params["url"],
        name=params["name"],
        events=None if params["events"] is None else service.event_names(params["events"]),
        active=params["active"],
        validate_certs=params["hook_validate_certs"],
        key=params["key"],
    )
    service.refuse_unusable(wanted)
    if wanted.url is not None:
        _refuse_bad_address(wanted.url)
    return wanted


def _refuse_bad_address(url):
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InvalidOption(f"url must be a whole http or https address, not {url!r}.")


def _identify(hooks, params):
    """Return the hook that the options mean, or None, and the others that they fit as well."""
    if params["hook_id"] is not None:
        found = [hook for hook in hooks if hook.id == params["hook_id"]]
        if not found and params["state"] == "present":
            raise ObjectMissing(
                "{} has no hook {}. Omit hook_id to find the hook by url.".format(
                    params["repository"], params["hook_id"]
                )
            )
        return (found or [None])[0], []
    found = [hook for hook in hooks if _fits(hook, params)]
    # Of several, the one that already has the URL, and of those the oldest.
    found.sort(key=lambda hook: (hook.url != params["url"], hook.id))
    if len(found) > 1 and not params["purge_duplicates"]:
        ids = ", ".join(str(hook.id) for hook in sorted(found, key=lambda hook: hook.id))
        raise ObjectAmbiguous(
            "The hooks {} of {} fit. Give hook_id, or purge_duplicates to keep one.".format(ids, params["repository"])
        )
    return (found or [None])[0], found[1:]


def _fits(hook, params):
    if hook.url == params["url"]:
        return True
    if params["url_pattern"] is not None and fnmatchcase(hook.url, params["url_pattern"]):
        return True
    return params["name"] is not None and hook.name == params["name"]


def _plan_presence(service, hook, wanted, params):
    if hook is None:
        missing = [name for name in ("url", "key") if getattr(wanted, name) is None]
        if missing:
            raise InvalidOption(
                "{} has no such hook yet, and a new one needs {}.".format(params["repository"], " and ".join(missing))
            )
        wanted = replace(wanted, events=wanted.events or service.default_events)
        return Plan({}, _shown_after(None, wanted, "set"), (service.create(wanted),))
    # No service shows a key. What is not known to be right is set.
    set_key = wanted.key is not None and not service.knows_key(hook, wanted.key)
    steps = service.update(hook, wanted, set_key)
    before, after = set_or_changed(hook.key_is_set, hook.key_is_set or set_key, set_key)
    if hook.key_is_set is None:
        before, after = "unknown", "set" if set_key else "unknown"
    return Plan(_shown(hook, before), _shown_after(hook, wanted, after), tuple(steps), hook.content)


def _plan_absence(service, hooks):
    before = {"urls": [hook.url for hook in hooks]} if hooks else {}
    return Plan(before, {}, tuple(service.delete(hook) for hook in hooks))


def _with_purge(service, plan, duplicates):
    if not duplicates:
        return plan
    urls = [hook.url for hook in duplicates]
    return replace(
        plan,
        before=dict(plan.before, duplicates=urls),
        after=dict(plan.after, duplicates=[]),
        steps=plan.steps + tuple(service.delete(hook) for hook in duplicates),
    )


def _shown(hook, key):
    return {
        "url": hook.url,
        "name": hook.name,
        "events": list(hook.events),
        "active": hook.active,
        "hook_validate_certs": hook.validate_certs,
        "content_type": hook.content_type,
        "key": key,
    }


def _shown_after(hook, wanted, key):
    given = {
        "url": wanted.url,
        "name": wanted.name,
        "events": None if wanted.events is None else list(wanted.events),
        "active": wanted.active,
        "hook_validate_certs": wanted.validate_certs,
        "content_type": "json",
        "key": key,
    }
    there = _shown(hook, key) if hook else {"active": True}
    return {name: there.get(name) if value is None else value for name, value in given.items()}
