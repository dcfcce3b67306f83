# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Structured logs on standard error: an event, and the ids that are bound to it. Never bodies, headers or secrets."""

from __future__ import annotations

import logging
import sys
from typing import Literal

import structlog


def configure_logs(level: str = "info", form: Literal["auto", "console", "json"] = "auto") -> None:
    """Send structlog's and the standard library's records through one chain to standard error."""
    console = form == "console" or (form == "auto" and sys.stderr.isatty())
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_formatter(shared, console=console))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for noisy in ("uvicorn.access", "alembic", "urllib3"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def _formatter(shared: list[structlog.typing.Processor], *, console: bool) -> logging.Formatter:
    # Tracebacks never show local variables: those hold bodies, keys and tokens.
    plain = structlog.dev.plain_traceback
    last: list[structlog.typing.Processor] = (
        [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)]
        if console
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last]
    )


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """Return a logger that binds context: `log.info("delivery accepted", guid=…, job=…)`."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger
