# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a service plugin is: pure; bytes and headers in, plain data out; no clock, no network, no database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Protocol, runtime_checkable

from playhook.domain.delivery import Delivery, WebhookOptions
from playhook.domain.event import Event, StatusTarget
from playhook.domain.status import CommitStatus, OutgoingRequest, StatusCredential


class Service(Protocol):
    """One plugin. Instances hold no state; one is made at start and used from several threads."""

    name: ClassVar[str]
    """The word in the URL and in `webhook_service`, as in `github`."""
    label: ClassVar[str]
    """The name for people, as in `GitHub`."""
    credential_type: ClassVar[str | None]
    """Namespace of the credential type that posts statuses, as in `github_token`; None when there is none."""

    def verify(self, delivery: Delivery, keys: Sequence[str], options: WebhookOptions) -> None:
        """Check the raw body against the keys in constant time, also when `keys` is empty.

        Raises NotAuthentic, and nothing else but UnsignedPing for the ping of a service that does not sign its pings.
        """

    def parse(self, delivery: Delivery) -> Event:
        """Turn an authentic delivery into its event. Raises Malformed or UnsupportedType, and nothing else."""

    def status_request(
        self, target: StatusTarget, status: CommitStatus, credential: StatusCredential
    ) -> OutgoingRequest | None:
        """Build the request that posts a status, or None where the service has no such state.

        Raises Malformed when the target does not belong to the credential's API base or cannot be addressed safely.
        """


@runtime_checkable
class Configurable(Protocol):
    """What a service adds that must be told what its deliveries look like, by `playhook.service_options`.

    Its class names the options in `option_names`, for `webhook_services/` to show; without them nothing is shown.
    """

    def configure(self, options: Mapping[str, Any]) -> Service:
        """Return the service as these options want it. Raises InvalidInput: option → sentences."""


@runtime_checkable
class Sampled(Protocol):
    """What a service adds so that `playhook send` can play its part."""

    sample_types: ClassVar[Sequence[str]]
    """The event types there is a sample of, the plainest first; `tag` is a push of a tag where both have one type."""

    def sample(self, event_type: str) -> Mapping[str, Any]:
        """Return a payload of one of `sample_types`, with invented names."""

    def sign(self, body: bytes, *, event_type: str, guid: str, key: str, now: datetime) -> Mapping[str, str]:
        """Return the headers with which the service would send this body to a receiver that has this key."""


@runtime_checkable
class Published(Protocol):
    """What a service adds that publishes the addresses its deliveries come from."""

    def networks_request(self, api_url: str | None) -> OutgoingRequest:
        """Build the request for them; `api_url` None is the public service."""

    def read_networks(self, answer: Any) -> list[str]:
        """Return the networks that stand in the decoded answer, as in `192.0.2.0/24`. Raises Malformed."""
