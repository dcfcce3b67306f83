# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The YAML inside Ansible's own files, read ahead: two thirds of what a short playbook spends its time on.

Each plugin's options stand in YAML in its source, and where builtin names lead in a file of 10,000 lines. Whoever asks
for one of these texts gets the document that was read from the same text, with the same origin, once: what is handed
out may be changed by its reader, so a second request reads again. Any other text is read as ever.
"""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

# Loaded by every run, to learn their options, whatever the playbook.
_TYPES: Final = ("become", "cache", "callback", "connection", "inventory", "shell", "vars")
_FINDER: Final = "ansible.utils.collection_loader._collection_finder"
_ROUTING: Final = "config/ansible_builtin_runtime.yml"


def read_ahead() -> None:
    """Read the documents of the installed Ansible; where its parts are not as expected, nothing is read ahead."""
    try:
        loader, finder = sys.modules["ansible.plugins.loader"], sys.modules[_FINDER]
        yaml, tags, read_routing = loader.yaml, loader._tags, finder._meta_yml_to_dict
        documents = _Documents(yaml, loader.AnsibleLoader)
        for path, text in _find_documentation(Path(sys.modules["ansible"].__file__ or "").parent):
            documents.read(tags.Origin(path=path).tag(tags.TrustedAsTemplate().tag(text)))
        routing = _Routing(read_routing, Path(sys.modules["ansible"].__file__ or "").parent / _ROUTING)
    except (AttributeError, KeyError, OSError, SyntaxError):
        return
    loader.yaml, finder._meta_yml_to_dict = documents, routing  # type: ignore[attr-defined]


class _Documents:
    """Stands for the module `yaml` in Ansible's plugin loader."""

    def __init__(self, yaml: Any, loader: Any) -> None:
        self._yaml, self._loader = yaml, loader
        self._read: dict[object, Any] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._yaml, name)

    def read(self, text: str) -> None:
        self._read[_identify(text)] = self._yaml.load(text, Loader=self._loader)

    def load(self, stream: Any, Loader: Any) -> Any:  # noqa: N803  PyYAML's name
        known = isinstance(stream, str) and Loader is self._loader
        document = self._read.pop(_identify(stream), None) if known else None
        return self._yaml.load(stream, Loader=Loader) if document is None else document


class _Routing:
    """Stands for the function that reads where a collection's names lead; its documentation says it may be replaced."""

    def __init__(self, read: Callable[..., Any], file: Path) -> None:
        self._function = read
        self._text = file.read_bytes()
        self._read: list[Any] = [read(self._text, ("ansible.builtin", "runtime.yml"))]

    def __call__(self, text: bytes | str, content_id: object) -> Any:
        if self._read and (text.encode() if isinstance(text, str) else text) == self._text:
            return self._read.pop()
        return self._function(text, content_id)


def _identify(text: str) -> object:
    """Return what makes two texts the same for Ansible: the characters, and the tags that they carry."""
    helper = sys.modules["ansible.module_utils._internal._datatag"].AnsibleTagHelper
    return str.__str__(text), helper.tags(text)


def _find_documentation(package: Path) -> Iterator[tuple[str, str]]:
    directories = [package / "plugins" / each for each in _TYPES]
    directories += [Path(each) for each in os.environ.get("ANSIBLE_CALLBACK_PLUGINS", "").split(os.pathsep)]
    for file in (each for directory in directories for each in sorted(directory.glob("*.py"))):
        for node in ast.parse(file.read_bytes()).body:
            if isinstance(node, ast.Assign) and [getattr(each, "id", "") for each in node.targets] == ["DOCUMENTATION"]:
                text = node.value.value if isinstance(node.value, ast.Constant) else None
                if isinstance(text, str):
                    yield str(file), text
