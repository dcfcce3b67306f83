# Copyright: Playhook contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options that modules share; the documentation fragments describe them."""

from __future__ import annotations

from ansible.module_utils.basic import env_fallback


def controller_arguments():
    """Return the options that reach a receiver or an AWX, named as in the awx.awx collection."""
    return {
        "controller_host": {
            "type": "str",
            "default": "https://127.0.0.1",
            "fallback": (env_fallback, ["CONTROLLER_HOST"]),
        },
        "controller_username": {"type": "str", "fallback": (env_fallback, ["CONTROLLER_USERNAME"])},
        "controller_password": {"type": "str", "no_log": True, "fallback": (env_fallback, ["CONTROLLER_PASSWORD"])},
        "controller_oauthtoken": {
            "type": "str",
            "no_log": True,
            "fallback": (env_fallback, ["CONTROLLER_OAUTH_TOKEN"]),
        },
        "validate_certs": {"type": "bool", "default": True, "fallback": (env_fallback, ["CONTROLLER_VERIFY_SSL"])},
        "request_timeout": {
            "type": "float",
            "default": 10.0,
            "fallback": (env_fallback, ["CONTROLLER_REQUEST_TIMEOUT"]),
        },
        "ca_path": {"type": "path"},
    }


def webhook_arguments():
    """Return the options of a template's webhook; the documentation fragment webhook describes them."""
    return {
        "webhook_service": {"type": "str"},
        "webhook_credential": {"type": "str"},
        "status_context": {"type": "str"},
        "allow_sha1": {"type": "bool"},
        "webhook_key": {"type": "str", "no_log": True},
        "rotate_webhook_key": {"type": "bool", "default": False, "no_log": False},
        "webhook_key_grace": {"type": "int", "no_log": False},
        "return_webhook_key": {"type": "bool", "default": False, "no_log": False},
    }


def survey_arguments():
    """Return the options of a template's survey; the documentation fragment survey describes them."""
    return {
        "survey_enabled": {"type": "bool"},
        "survey_spec": {"type": "dict", "no_log": True},
        "update_survey_secrets": {"type": "bool", "default": False, "no_log": False},
    }


WEBHOOK_EXCLUSIVE = [("webhook_key", "rotate_webhook_key"), ("webhook_key", "return_webhook_key")]


def present_or_absent():
    """Return the option that says whether the object is to exist."""
    return {"type": "str", "choices": ["present", "absent"], "default": "present"}
