# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of the receiver: one table, read from the environment (`PLAYHOOK_*`) and from the command line."""

from __future__ import annotations

import os
from collections.abc import Iterator
from difflib import get_close_matches
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal, get_args, get_origin

from dotenv import dotenv_values
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from playhook.errors import SettingsError

_PREFIX = "PLAYHOOK_"
_NO_SETTINGS = frozenset({"PLAYHOOK_JOB"})  # the mark of what a job started


class Settings(BaseSettings):
    """Every option of `playhook`, with its default. `description` is what `--help` and the reference show."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, frozen=True, extra="ignore", env_ignore_empty=True)

    home: Annotated[Path, Field(description="State directory; what the receiver itself writes is below it.")] = Path(
        "~/.local/state/playhook"
    )
    database_url: Annotated[
        SecretStr | None,
        Field(description="SQLAlchemy URL of the database; SQLite below the state directory when unset."),
    ] = None
    base_url: Annotated[
        str | None, Field(description="Public URL of the receiver, used in webhook URLs and in links from statuses.")
    ] = None
    secret_key_file: Annotated[
        Path | None,
        Field(description="Key that encrypts secrets at rest; made (0600) below the state directory when unset."),
    ] = None
    admin_username: Annotated[str, Field(description="Name of the first administrator, made at the first start.")] = (
        "admin"
    )
    admin_password: Annotated[
        SecretStr | None,
        Field(description="Password of the first administrator; generated and written to a file when unset."),
    ] = None
    workers: Annotated[int, Field(ge=0, le=1000, description="Jobs at a time; 0 accepts jobs and runs none.")] = 4
    queues: Annotated[
        str, Field(description="Instance groups whose jobs this worker runs (names, comma separated); empty: all.")
    ] = ""
    worker_lease: Annotated[
        float,
        Field(ge=2, description="Seconds without a sign of life after which a worker on PostgreSQL counts as lost."),
    ] = 15.0
    max_body: Annotated[
        int, Field(ge=1024, le=1 << 30, description="Largest delivery in bytes; larger ones are answered 413.")
    ] = 25 * 1024 * 1024
    projects_root: Annotated[
        Path | None,
        Field(description="Directory that holds manual projects; `projects` below the state directory when unset."),
    ] = None
    isolation: Annotated[Literal["none"], Field(description="How jobs are isolated from the host.")] = "none"
    warm_start: Annotated[
        Literal["on", "off"],
        Field(description="Start jobs from processes that have already imported Ansible; off imports it for each job."),
    ] = "on"
    host: Annotated[str, Field(description="Address to listen on.")] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535, description="Port to listen on; 0 takes a free one.")] = 8052
    ssl_certfile: Annotated[Path | None, Field(description="Certificate chain (PEM) to serve TLS with.")] = None
    ssl_keyfile: Annotated[Path | None, Field(description="Private key (PEM) of the certificate.")] = None
    forwarded_allow_ips: Annotated[
        str,
        Field(description="Proxies whose X-Forwarded-* headers are believed (addresses or networks, comma separated)."),
    ] = ""
    session_lifetime: Annotated[
        int, Field(ge=60, le=86400, description="Seconds without a request after which a login session ends.")
    ] = 1800
    job_timeout: Annotated[
        int, Field(ge=0, description="Seconds after which a job without a timeout of its own is ended; 0 means never.")
    ] = 0
    shutdown_grace: Annotated[
        float, Field(ge=0, description="Seconds that running jobs get to finish after SIGTERM before they are ended.")
    ] = 30.0
    refusals_per_minute: Annotated[
        int, Field(ge=1, description="Refused deliveries a minute and address, after which the answer is 429.")
    ] = 300
    allowed_networks: Annotated[
        str,
        Field(description="Networks whose deliveries are taken (addresses or networks, comma separated); empty: all."),
    ] = ""
    retention_payload_days: Annotated[
        int, Field(ge=0, description="Days that payloads and headers of deliveries are kept; 0 means for ever.")
    ] = 30
    retention_payload_bytes: Annotated[
        int, Field(ge=0, description="Bytes that kept payloads may take, compressed; the oldest go first; 0: no limit.")
    ] = 10 * 1024 * 1024 * 1024
    retention_verdict_days: Annotated[
        int, Field(ge=0, description="Days that deliveries and their verdicts are kept at all; 0 means for ever.")
    ] = 365
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Field(description="Least level that is logged.")
    ] = "info"
    log_format: Annotated[
        Literal["auto", "console", "json"],
        Field(description="Log lines for people or for machines; auto looks at the terminal."),
    ] = "auto"

    @field_validator("home", "secret_key_file", "projects_root", "ssl_certfile", "ssl_keyfile")
    @classmethod
    def _make_absolute(cls, value: Path | None) -> Path | None:
        return None if value is None else Path(os.path.abspath(value.expanduser()))  # noqa: PTH100  keeps symlinks

    @field_validator("base_url")
    @classmethod
    def _check_base_url(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("http://", "https://")):
            raise ValueError("must start with http:// or https://, as in https://playhook.example.com")
        return None if value is None else value.rstrip("/")

    @field_validator("forwarded_allow_ips")
    @classmethod
    def _check_proxies(cls, value: str) -> str:
        for each in filter(None, map(str.strip, value.split(","))):
            if each != "*":
                ip_network(each)  # what is none would silently be nobody's address
        return value

    @field_validator("queues")
    @classmethod
    def _check_queues(cls, value: str) -> str:
        if value and not value.replace(",", "").strip():
            raise ValueError("names no instance group: leave it out to run the jobs of all")
        return value

    @property
    def networks(self) -> list[str]:
        """Return the networks whose deliveries are taken, [] for all."""
        return [each.strip() for each in self.allowed_networks.split(",") if each.strip()]

    @property
    def queue_names(self) -> list[str]:
        """Return the instance groups whose jobs are run, [] for all."""
        return [each.strip() for each in self.queues.split(",") if each.strip()]

    @property
    def uses_sqlite(self) -> bool:
        return self.database.startswith("sqlite")

    @property
    def sqlite_file(self) -> Path:
        return self.home / "playhook.sqlite3"

    @property
    def database(self) -> str:
        """Return the SQLAlchemy URL of the database."""
        return self.database_url.get_secret_value() if self.database_url else f"sqlite:///{self.sqlite_file}"

    @property
    def manual_projects(self) -> Path:
        return self.projects_root or self.home / "projects"

    @property
    def secret_key(self) -> Path:
        return self.secret_key_file or self.home / "secret_key"

    @property
    def public_url(self) -> str:
        """Return the base of absolute links; without `base_url` the address it listens on."""
        if self.base_url:
            return self.base_url
        scheme = "https" if self.ssl_certfile else "http"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{scheme}://{host}:{self.port}"


def choices_of(name: str) -> tuple[str, ...]:
    """Return the words that a setting may be; () for one that is not a choice."""
    kind = Settings.model_fields[name].annotation
    return get_args(kind) if get_origin(kind) is Literal else ()


def load_settings(config: Path | None = None, **overrides: object) -> Settings:
    """Read the environment; `overrides` are command line options that were given. Raises SettingsError.

    `config` is a file of lines `PLAYHOOK_NAME=value`, as systemd's EnvironmentFile; what stands in the environment
    wins over it, and an option over both. PLAYHOOK_CONFIG names one too.
    """
    named = os.environ.get(f"{_PREFIX}CONFIG")
    file = config or (Path(named) if named else None)
    if file is not None and not os.access(file, os.R_OK):
        raise SettingsError(f"the configuration file {file} cannot be read: check the path and who may read it")
    if file is not None and None in dotenv_values(file).values():
        raise SettingsError(f"a line of the configuration file {file} is not NAME=value: correct it or delete it")
    given = {name: value for name, value in overrides.items() if value is not None}
    try:
        return Settings(_env_file=file, **given)  # type: ignore[arg-type, call-arg]
    except ValidationError as error:
        raise SettingsError(_sentences(error)) from None


def unknown_settings(config: Path | None = None) -> Iterator[str]:
    """Yield a sentence for each PLAYHOOK_ name, of the environment or the file, that is no setting's."""
    file = config or os.environ.get(f"{_PREFIX}CONFIG")
    known = [name.upper() for name in (*Settings.model_fields, "config")]
    for name in sorted({*os.environ, *(dotenv_values(file) if file else ())}):
        word = name.upper().removeprefix(_PREFIX)
        if name.upper().startswith(_PREFIX) and word not in known and name not in _NO_SETTINGS:
            near = get_close_matches(word, known, n=1)
            yield f"{name} is no setting and is ignored{f'; did you mean {_PREFIX}{near[0]}?' if near else ''}"


def _sentences(error: ValidationError) -> str:
    # The value is not repeated: it may be a password or a database URL that holds one.
    words = [(e["loc"], e["msg"].removeprefix("Value error, ")) for e in error.errors()]
    return "; ".join(f"{_PREFIX}{'_'.join(map(str, place)).upper()}: {sentence}" for place, sentence in words)
