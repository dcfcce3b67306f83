# Copyright: Playhook contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The errors that a module can end with.

PlayhookError
├── InvalidOption              an option's value, or options together, cannot be used
├── ServerUnreachable          no answer: name, network, TLS or time
├── ServerRefused              the server understood and said no
│   ├── CredentialsRefused     401
│   ├── PermissionRefused      403
│   ├── NotFound               404
│   └── RequestRefused         any other 4xx; the server's own words are in the message
├── UnexpectedAnswer           a redirect, a 5xx, or something the API does not promise
├── ObjectMissing              an object that an option names is not there
├── ObjectAmbiguous            a name fits several objects
├── HookTestFailed             the test delivery was not accepted
└── JobNotSuccessful           a job or project update ended badly, or not in time

Every message is a sentence that names the thing, the value and the remedy, and holds no secret. Nothing below a
module's main() ends the process: main() turns these into fail_json.
"""

from __future__ import annotations


class PlayhookError(Exception):
    """Say why a module cannot do what it was asked.

    The keyword arguments are returned beside the message, for example the state of the job that failed.
    """

    def __init__(self, message, **result):
        super().__init__(message)
        self.result = result


class InvalidOption(PlayhookError):
    """An option's value, or options together, cannot be used."""


class ServerUnreachable(PlayhookError):
    """The server gave no answer."""


class ServerRefused(PlayhookError):
    """The server understood and said no."""


class CredentialsRefused(ServerRefused):
    """The server does not know who is asking (401)."""


class PermissionRefused(ServerRefused):
    """The server knows who is asking and does not allow it (403)."""


class NotFound(ServerRefused):
    """The address does not exist, or is hidden from this user (404)."""


class RequestRefused(ServerRefused):
    """The server found the request wrong, and said how."""


class UnexpectedAnswer(PlayhookError):
    """The answer is not what the API promises."""


class ObjectMissing(PlayhookError):
    """An object that an option names is not there."""


class ObjectAmbiguous(PlayhookError):
    """A name fits several objects."""


class HookTestFailed(PlayhookError):
    """The test delivery was not accepted."""


class JobNotSuccessful(PlayhookError):
    """A job or project update ended badly, or not in time."""
