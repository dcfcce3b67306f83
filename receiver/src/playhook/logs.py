# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Structured logs on standard error: an event, and the ids that are bound to it. Never bodies, headers or secrets."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Literal

import orjson
import structlog


def configure_logs(level: str = "info", form: Literal["auto", "console", "json"] = "auto") -> None:
    """Send structlog's and the standard library's records to standard error, in one form.

    Ours do not pass through the standard library, which would cost a delivery more than its signature does.
    """
    console = form == "console" or (form == "auto" and sys.stderr.isatty())
    number = logging.getLevelNamesMapping()[level.upper()]
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last = _renderers(console=console)
    structlog.configure(
        processors=[*shared, *last, _encode],
        logger_factory=_Logger,
        wrapper_class=structlog.make_filtering_bound_logger(number),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last]
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(number)
    for noisy in ("uvicorn.access", "alembic", "urllib3", "procrastinate", "psycopg.pool"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


class _Logger(structlog.BytesLogger):
    """Writes lines to standard error, and has a name. A line that cannot be written ends no work: its disk is full."""

    def __init__(self, name: str = "") -> None:
        super().__init__(sys.stderr.buffer)
        self.name = name

    def msg(self, message: bytes) -> None:
        with suppress(OSError):
            super().msg(message)

    log = debug = info = warn = warning = msg
    fatal = failure = err = error = critical = exception = msg


def _renderers(*, console: bool) -> list[structlog.typing.Processor]:
    # Tracebacks never show local variables: those hold bodies, keys and tokens.
    if console:
        plain = structlog.dev.plain_traceback
        return [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)]
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(serializer=_to_json)]


def _to_json(fields: Any, default: Callable[[Any], Any]) -> str:
    return orjson.dumps(fields, default=default).decode()


def _encode(_logger: object, _method: str, line: Any) -> bytes:
    return str(line).encode(errors="backslashreplace")


def get_logger(name: str) -> structlog.typing.FilteringBoundLogger:
    """Return a logger that binds context: `log.info("delivery accepted", guid=…, job=…)`."""
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger(name)
    return logger
