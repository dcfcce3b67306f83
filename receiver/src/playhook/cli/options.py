# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One option for each setting, from the settings' own table, so that `--help` and the environment agree."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from playhook.settings import Settings, choices_of, load_settings, unknown_settings

_SECRET_SETTINGS = {"admin_password", "database_url"}  # never an argument: others can read those
_PANEL = "Settings (each also as PLAYHOOK_… in the environment)"
_CONFIG = inspect.Parameter(
    "config",
    inspect.Parameter.KEYWORD_ONLY,
    default=None,
    annotation=Annotated[
        Path | None,
        typer.Option(
            "--config", help="File of PLAYHOOK_NAME=value lines; the environment wins.", rich_help_panel=_PANEL
        ),
    ],
)


def with_settings(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command one option for each setting; its `settings` parameter gets what they say together."""

    def command(**given: Any) -> None:
        own = {name: given.pop(name) for name in list(given) if name not in Settings.model_fields}
        config = own.pop("config")
        settings = load_settings(config, **given)
        for sentence in unknown_settings(config):
            typer.echo(f"playhook: {sentence}", err=True)
        function(settings=settings, **own)

    signature = inspect.signature(function, eval_str=True)
    own = [parameter for name, parameter in signature.parameters.items() if name != "settings"]
    parameters = [*own, _CONFIG, *(_option(name) for name in Settings.model_fields if name not in _SECRET_SETTINGS)]
    command.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {each.name: each.annotation for each in parameters}
    command.__doc__, command.__name__ = function.__doc__, function.__name__
    return command


def _option(name: str) -> inspect.Parameter:
    field = Settings.model_fields[name]
    choices = f" One of {', '.join(choices_of(name))}." if choices_of(name) else ""
    # In brackets rich would take it for markup, and show nothing.
    default = f" (default: {field.default})" if field.default is not None and field.default != "" else ""
    kind = field.annotation if field.annotation in {int, float, str} else str
    option = typer.Option(
        f"--{name.replace('_', '-')}",
        help=f"{field.description}{choices}{default}",
        rich_help_panel=_PANEL,
        show_default=False,
    )
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[kind | None, option]
    )
