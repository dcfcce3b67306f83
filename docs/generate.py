# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the reference pages that are made from the code: `make docs`.

`receiver/tests/unit/test_docs.py` fails when one of them is not what this writes.
"""

from __future__ import annotations

import ast
import re
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, cast

import typer
import yaml

from playhook.cli import _program
from playhook.services.registry import load_services
from playhook.settings import Settings, choices_of
from playhook.web.api_v2.call import PREFIX, ApiContext
from playhook.web.api_v2.endpoints import Endpoints
from playhook.web.api_v2.resource import Action, Resource, SubList
from playhook.web.api_v2.resources import all_resources
from playhook.web.api_v2.root import root_views

DOCS: Final = Path(__file__).parent
_TOP: Final = DOCS.parent
_SECRETS: Final = ("admin_password", "database_url")
_HEADER: Final = """<!--
SPDX-FileCopyrightText: Playhook contributors
SPDX-License-Identifier: GPL-3.0-or-later
Written by docs/generate.py: change the code that it is made from, then run `make docs`.
-->
"""


def settings_page() -> str:
    """Return the page of the settings, one row for each field of `Settings`."""
    rows = [("Variable", "Option", "Default", "What it does")]
    for name, field in Settings.model_fields.items():
        option = "none: arguments can be read by others" if name in _SECRETS else f"`--{name.replace('_', '-')}`"
        default = "" if field.default in (None, "") else f"`{field.default}`"
        choices = f" One of {', '.join(f'`{each}`' for each in choices_of(name))}." if choices_of(name) else ""
        rows.append((f"`PLAYHOOK_{name.upper()}`", option, default, f"{field.description}{choices}"))
    return f"""{_HEADER}
# Settings

Every setting is an environment variable. The commands that use settings take them as options too. A file of lines
`NAME=value`, named by `--config` or `PLAYHOOK_CONFIG`, may hold them as well. An option wins over the environment, and
the environment over the file. An empty variable counts as unset. A wrong value is one sentence on standard error and
exit status 2.

The role's options for the same things begin with `webhook_receiver_`; see
`ansible-doc --type role playhook.webhooks.webhook_receiver`.

{_table(rows)}
"""


def command_line_page() -> str:
    """Return the page of the command line, one section for each command."""
    sections = "\n".join(_command_section(path, command) for path, command in _commands(_root(), "playhook"))
    return f"""{_HEADER}
# Command line

`playhook --help` and `playhook COMMAND --help` say the same. Exit status: 0, it worked; 1, a check failed; 2, a
setting or an argument is wrong, and standard error says which.

{sections}"""


def endpoints_page() -> str:
    """Return the page of the API's paths, made from the declarations of its resources."""
    context = ApiContext(store=cast("Any", None), settings=Settings(), services=load_services())
    resources = all_resources(context)
    own = [("Path", "Methods")]
    empty = []
    for path, view in root_views(Endpoints(resources)):
        if path.removeprefix(PREFIX).strip("/") in {"", "api", "ping", "config", "me", "webhook_services"}:
            own.append((f"`{path}`", _methods(view.methods, " (no login)" if view.anonymous else "")))
        else:
            empty.append(f"`{path.removeprefix(PREFIX).strip('/')}`")
    kinds = [("Path", "Methods"), *(row for each in resources.values() for row in _paths_of(each))]
    hooks = [(f"`{PREFIX}job_templates/<id>/{name}/`", "POST (no login)") for name in load_services()]
    hooks.append((f"`{PREFIX}webhooks/<service>/<name>/`", "POST (no login)"))
    return f"""{_HEADER}
# Endpoints

What [HTTP](http.md) says holds for all of them. `<id>` is a number, or the object's name with its organization's, as in
`site++Default`. Every path answers OPTIONS with its fields.

{_table(own)}

## Webhooks

{_table([("Path", "Methods"), *hooks])}

## Objects

{_table(kinds)}

## Empty

AWX's API has these as well. Here they answer an empty list:
{textwrap.fill(", ".join(empty) + ".", 118, break_on_hyphens=False)}
"""


def services_page() -> str:
    """Return the page of the services, one row for each plugin that the registry finds in the receiver."""
    rows = [("Service", "`webhook_service`", "Credential type for statuses", "How to")]
    for name, service in load_services().items():
        kind = f"`{service.credential_type}`" if service.credential_type else "none"
        rows.append((service.label, f"`{name}`", kind, f"[{name}](../howto/{name}.md)"))
    return f"""{_HEADER}
# Services

A service is one plugin of the receiver. `playhook services` lists those that an installation has. A Python package
adds one with an entry point of the group `playhook.services`; what it has to implement stands in
`receiver/src/playhook/services/base.py`.

{_table(rows)}

`webhook_service` is also the last word of the webhook's URL. The credential type is named by its namespace; the API
and the modules take its name, as in `GitHub Personal Access Token`. [Events](events.md) says what each service's
deliveries are proved by, and what becomes of its events.
"""


def modules_page() -> str:
    """Return the page of the modules, made from their own documentation."""
    sections = "\n".join(_module_section(path) for path in sorted((_TOP / "plugins/modules").glob("*.py")))
    return f"""{_HEADER}
# Modules

`ansible-doc playhook.webhooks.NAME` shows the same, with examples. All of them run on the controller
(`hosts: localhost`), need no Python package besides ansible-core, and support check mode; those that change something
support `--diff`.

The connection options are the same for all modules that talk to the receiver. Set them once, in the environment or
with `module_defaults` and the group `playhook.webhooks.all`:

{_options_table(_fragment("auth")["options"])}

{sections}"""


PAGES: Final[Mapping[str, Callable[[], str]]] = {
    "reference/settings.md": settings_page,
    "reference/command-line.md": command_line_page,
    "reference/endpoints.md": endpoints_page,
    "reference/services.md": services_page,
    "reference/modules.md": modules_page,
}


def _paths_of(resource: Resource) -> Iterator[tuple[str, str]]:
    """Yield the paths of one kind of object."""
    base = f"{PREFIX}{resource.name}/"
    if resource.list_methods:
        yield f"`{base}`", _methods(resource.list_methods)
    if resource.detail_methods:
        yield f"`{base}<id>/`", _methods(resource.detail_methods)
    for sub in resource.sub:
        if isinstance(sub, Action):
            methods: Iterable[str] = sub.methods
        else:
            more = sub.creates if isinstance(sub, SubList) else sub.writable or sub.creates
            methods = ("GET", "POST") if more else ("GET",)
        yield f"`{base}<id>/{sub.name}/`", _methods(methods)


def _methods(methods: Iterable[str], note: str = "") -> str:
    return ", ".join(methods) + note


def _root() -> Any:
    return typer.main.get_command(_program)


def _commands(group: Any, path: str) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


def _command_section(path: str, command: Any) -> str:
    options = [each for each in command.params if each.name != "help"]
    own = [each for each in options if each.name not in {*Settings.model_fields, "config"}]
    rows = [("Option", "What it does"), *((f"`{'`, `'.join(each.opts)}`", _plain(each.help)) for each in own)]
    parts = [f"## {path}", _plain(command.help, keep_paragraphs=True)]
    parts += [_table(rows)] if own else []
    parts += ["Takes every [setting](settings.md) as an option, and `--config`."] if len(own) < len(options) else []
    return "\n\n".join(parts) + "\n"


def _plain(text: str | None, *, keep_paragraphs: bool = False) -> str:
    paragraphs = [" ".join(each.split()) for each in (text or "").split("\n\n")]
    return ("\n\n" if keep_paragraphs else " ").join(paragraphs)


def _module_section(path: Path) -> str:
    documentation, returned = (_constant(path, name) for name in ("DOCUMENTATION", "RETURN"))
    fragments = documentation.get("extends_documentation_fragment", ())
    shared: dict[str, Any] = {}
    for name in ("webhook", "survey"):
        shared |= _fragment(name)["options"] if f"playhook.webhooks.{name}" in fragments else {}
    parts = [
        f"## {path.stem}",
        *(_markdown(each) for each in documentation["description"]),
        _options_table({**documentation["options"], **shared}),
        "Returns:",
        _table([("Value", "Type", "Returned", "What it is"), *_returned_rows(returned)]),
    ]
    return "\n\n".join(parts) + "\n"


def _returned_rows(returned: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for name, value in returned.items():
        yield f"`{name}`", value["type"], _markdown(value["returned"]), _description(value)


def _options_table(options: Mapping[str, Any], prefix: str = "") -> str:
    return _table([("Option", "Type", "What it does"), *_option_rows(options, prefix)])


def _option_rows(options: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, ...]]:
    for name, option in options.items():
        kind = f"{option['type']} of {option['elements']}" if "elements" in option else option["type"]
        facts = [kind]
        facts += ["required"] if option.get("required") else []
        facts += ["one of " + ", ".join(f"`{each}`" for each in option["choices"])] if "choices" in option else []
        facts += [f"default `{_yaml(option['default'])}`"] if "default" in option else []
        yield f"`{prefix}{name}`", "; ".join(facts), _description(option)
        yield from _option_rows(option.get("suboptions", {}), f"{prefix}{name}.")


def _description(value: Mapping[str, Any]) -> str:
    texts = value["description"]
    return " ".join(_markdown(each) for each in ([texts] if isinstance(texts, str) else texts))


def _markdown(text: str) -> str:
    """Turn Ansible's markup into Markdown: `O(name)` and its like are code, module names are links on this page."""
    text = re.sub(r"M\(playhook\.webhooks\.(\w+)\)", r"[\1](#\1)", text)
    text = re.sub(r"RV\((?:[\w.]+#module:)?((?:[^)\\]|\\.)*)\)", r"`\1`", text)
    text = re.sub(r"\b[OVCE]\(((?:[^)\\]|\\.)*)\)", r"`\1`", text)
    return " ".join(text.replace("\\)", ")").split())


def _fragment(name: str) -> Any:
    return _constant(_TOP / "plugins/doc_fragments" / f"{name}.py", "DOCUMENTATION")


def _constant(path: Path, name: str) -> Any:
    """Return the YAML that a module assigns to `name`; importing it would need the collection to be installed."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == name:
            return yaml.safe_load(ast.literal_eval(node.value))
    raise LookupError(f"{path} assigns no {name}")


def _yaml(value: Any) -> str:
    return yaml.safe_dump(value, default_flow_style=True).removesuffix("...\n").strip()


def _table(rows: list[tuple[str, ...]]) -> str:
    head, *body = [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows]
    return "\n".join([head, "|" + "---|" * len(rows[0]), *body])


def main() -> None:
    """Write every page that is not what it should be."""
    for name, page in PAGES.items():
        file, text = DOCS / name, page()
        if not file.exists() or file.read_text() != text:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
            sys.stdout.write(f"wrote {file.relative_to(_TOP)}\n")


if __name__ == "__main__":
    main()
