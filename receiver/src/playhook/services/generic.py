# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Any sender of signed JSON: the template's `service_options` say where its signature, event type, guid and ref are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, ClassVar, Final, Literal, Self

import jmespath
from jmespath.exceptions import JMESPathError
from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, ValidationError, model_validator

from playhook.domain.delivery import Delivery, WebhookOptions
from playhook.domain.event import Event, StatusTarget
from playhook.domain.status import CommitStatus, OutgoingRequest, StatusCredential
from playhook.errors import InvalidInput, Malformed, NotAuthentic
from playhook.services import samples
from playhook.services.authenticity import SECRET_HEADER, equals_one_of, header_bytes
from playhook.services.json_body import decode_body
from playhook.services.payload import branch_of, is_full_sha, ref_name, tag_of
from playhook.services.signatures import Scheme

_EVENT_TYPE: Final = "event"
_MAX_LENGTH: Final = 255  # of the columns that hold event types and guids

# What an expression may be made of: look-ups, logic and two functions, so that it never walks through a payload.
_NODES: Final = frozenset(
    {
        "field", "subexpression", "index_expression", "index", "identity", "current", "literal", "pipe",
        "or_expression", "and_expression", "not_expression", "comparator", "multi_select_list", "function_expression",
    }
)  # fmt: skip
_FUNCTIONS: Final = frozenset({"join", "not_null"})
_FAILURES: Final = (JMESPathError, TypeError, ValueError, LookupError, AttributeError, RecursionError)


def _check_expression(source: str) -> str:
    try:
        parsed = jmespath.compile(source).parsed
    except (JMESPathError, RecursionError) as error:
        raise ValueError(f"This is not JMESPath: {str(error).splitlines()[0]}") from None
    for node in _walk(parsed):
        if node["type"] not in _NODES:
            raise ValueError(f"{node['type']} may not be used here; a look-up as in payload.id is wanted")
        if node["type"] == "function_expression" and node["value"] not in _FUNCTIONS:
            raise ValueError(f"The function {node['value']} may not be used here; there are join and not_null")
    return source


def _walk(node: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(node, dict) and "type" in node:
        yield node
        for child in node.get("children", ()):
            yield from _walk(child)


_Header = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$", to_lower=True)]
_Prefix = Annotated[str, StringConstraints(max_length=64, pattern=r"^[ -~]*$")]
_Expression = Annotated[str, StringConstraints(min_length=1, max_length=300), AfterValidator(_check_expression)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _Signature(_Part):
    """An HMAC of the body in a header."""

    header: _Header
    algorithm: Literal["sha256", "sha512", "sha1"] = "sha256"
    encoding: Literal["hex", "base64"] = "hex"
    prefix: _Prefix = ""

    @property
    def scheme(self) -> Scheme:
        return Scheme(algorithm=self.algorithm, encoding=self.encoding, prefix=self.prefix)


def _check_secret(header: str) -> str:
    if not SECRET_HEADER.search(header):
        raise ValueError(
            "The receiver stores headers of this name; the key may only come in one whose name has token, secret, auth,"
            " password, credential or key in it"
        )
    return header


class _Token(_Part):
    """The webhook key itself in a header."""

    header: Annotated[_Header, AfterValidator(_check_secret)]
    prefix: _Prefix = ""


# What WebSub and most who sign webhooks send.
_USUAL: Final = _Signature(header="x-hub-signature-256", prefix="sha256=")


class _Options(_Part):
    """The expressions look at `headers`, with names in lower case, and `payload`."""

    signature: _Signature | None = None
    token: _Token | None = None
    event_type: _Expression = 'headers."x-event-type"'
    guid: _Expression = 'headers."x-delivery-id"'
    ref: _Expression | None = None

    @model_validator(mode="after")
    def _check_one(self) -> Self:
        if self.signature and self.token:
            raise ValueError("Either a signature or a token is checked, not both: leave one out")
        return self


class Generic:
    """The service `generic`."""

    name: ClassVar[str] = "generic"
    label: ClassVar[str] = "Any other service"
    credential_type: ClassVar[str | None] = None
    sample_types: ClassVar[Sequence[str]] = (_EVENT_TYPE,)
    option_names: ClassVar[Sequence[str]] = tuple(_Options.model_fields)

    def __init__(self, options: _Options | None = None) -> None:
        """Compile the expressions once; a service is made anew when its options change."""
        self._options = options or _Options()
        self._expressions = {
            name: jmespath.compile(source)
            for name in ("event_type", "guid", "ref")
            if (source := getattr(self._options, name)) is not None
        }

    def configure(self, options: Mapping[str, Any]) -> Generic:
        """Return the service for these options. Raises InvalidInput: option → sentences."""
        try:
            return Generic(_Options.model_validate(dict(options)))
        except ValidationError as error:
            messages: dict[str, list[str]] = {}
            for each in error.errors(include_url=False, include_input=False):
                place = ".".join(str(part) for part in each["loc"]) or "signature"
                messages.setdefault(place, []).append(f"{each['msg'].removeprefix('Value error, ').rstrip('.:')}.")
            raise InvalidInput(messages) from None

    def verify(self, delivery: Delivery, keys: Sequence[str], options: WebhookOptions) -> None:
        """Check the signature or the token where the options say that it is."""
        if self._options.token:
            _check_token(self._options.token, delivery, keys)
        elif self._signature:
            self._signature.scheme.check(delivery.headers.get(self._signature.header), delivery.body, keys)

    def parse(self, delivery: Delivery) -> Event:
        """Read the event. Nothing is known of its kind: filters ask for its own type, its ref or the payload."""
        payload = decode_body(delivery)
        headers = {name: value.strip() for name, value in delivery.headers.items() if not SECRET_HEADER.search(name)}
        names = {"headers": headers, "payload": payload}
        found = {name: self._find(name, names) for name in ("event_type", "guid", "ref")}
        ref = ref_name(found["ref"])
        return Event(
            service=self.name,
            type=found["event_type"] or _EVENT_TYPE,
            guid=found["guid"],
            payload=payload,
            ref=ref,
            branch=branch_of(ref),
            tag=tag_of(ref),
            head_sha=ref if ref and is_full_sha(ref) else None,
            awx_ref=ref,
        )

    def status_request(
        self, target: StatusTarget, status: CommitStatus, credential: StatusCredential
    ) -> OutgoingRequest | None:
        """Return None: a status has no place to go to."""
        return None

    def sample(self, event_type: str) -> Mapping[str, Any]:
        """Return a small payload."""
        return {"type": event_type, "ref": "refs/heads/main", "repository": samples.FULL_NAME}

    def sign(self, body: bytes, *, event_type: str, guid: str, key: str, now: datetime) -> Mapping[str, str]:
        """Return the headers that the options want; type and guid are in those that are looked at unless told."""
        headers = {"X-Event-Type": event_type, "X-Delivery-Id": guid}
        if self._options.token:
            return {**headers, self._options.token.header: self._options.token.prefix + key}
        signature = self._signature or _USUAL
        return {**headers, signature.header: signature.scheme.write(key, body)}

    @property
    def _signature(self) -> _Signature | None:
        return None if self._options.token else self._options.signature or _USUAL

    def _find(self, option: str, names: Mapping[str, Any]) -> str | None:
        if option not in self._expressions:
            return None
        try:
            value = self._expressions[option].search(names)
        except _FAILURES as error:
            raise Malformed(f"The {option} cannot be read from this delivery: {str(error)[:200]}.") from None
        return _word(option, value)


def _check_token(token: _Token, delivery: Delivery, keys: Sequence[str]) -> None:
    given, usable = delivery.headers.get(token.header), [key for key in keys if key]
    wanted = [(token.prefix + key).encode() for key in usable or ["no key"]]
    if not equals_one_of(header_bytes(given or ""), wanted) or not usable:
        raise NotAuthentic(
            "There is no webhook key to check the token with."
            if not usable
            else f"The delivery has no header {token.header}."
            if given is None
            else f"The header {token.header} is not the webhook key{' with its prefix' if token.prefix else ''}."
        )


def _word(option: str, value: Any) -> str | None:
    """Return a value as a word, None where there is none. Raises Malformed for what cannot be one."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise Malformed(f"The {option} of this delivery is neither a text nor a whole number.")
    word = str(value).strip()
    if len(word) > _MAX_LENGTH:
        raise Malformed(f"The {option} of this delivery has {len(word)} characters; {_MAX_LENGTH} are allowed.")
    if not word.isprintable():
        raise Malformed(f"The {option} of this delivery has unprintable characters.")
    return word or None
