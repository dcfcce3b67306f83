# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Galaxy server on loopback that has one collection and gives nothing without its token."""

from __future__ import annotations

import http.server
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

from tests.integration.worker.conftest import write_files

_FILES = {
    "galaxy.yml": "{namespace: acme, name: tools, version: 1.0.0, readme: README.md, authors: [A]}\n",
    "README.md": "tools\n",
    "roles/hello/tasks/main.yml": "- debug: {msg: from the collection}\n",
}
_COLLECTION = "/api/v3/collections/acme/tools"


@contextmanager
def serve_galaxy(directory: Path, token: str) -> Iterator[tuple[str, list[str]]]:
    """Serve acme.tools 1.0.0; yields the server's URL and the paths that were asked for with the token."""
    archive = _build(directory).read_bytes()
    given: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0].rstrip("/")
            allowed = self.headers.get("Authorization") == f"Token {token}"
            given.extend([path] if allowed else [])
            document = _document(path, archive)
            found = allowed and (document is not None or path == "/tools.tar.gz")
            self.send_response(200 if found else 404 if allowed else 401)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            body = archive if document is None else json.dumps(document).encode()
            self.wfile.write(body if found else b"{}")

        def log_message(self, *_arguments: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", given
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _build(directory: Path) -> Path:
    write_files(directory / "tools", _FILES)
    program = Path(sys.executable).with_name("ansible-galaxy")
    build = [program, "collection", "build", directory / "tools", "--output-path", directory]
    subprocess.run(build, check=True, capture_output=True)
    return directory / "acme-tools-1.0.0.tar.gz"


def _document(path: str, archive: bytes) -> Any:
    """Return what Galaxy's API says, version 3, as far as ansible-galaxy reads it."""
    if path == _COLLECTION:
        return {"created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z"}
    if path == f"{_COLLECTION}/versions":
        return {"meta": {"count": 1}, "links": {"next": None}, "data": [{"version": "1.0.0"}]}
    if path == f"{_COLLECTION}/versions/1.0.0":
        return {
            "version": "1.0.0", "href": path, "namespace": {"name": "acme"}, "collection": {"name": "tools"},
            "download_url": "/tools.tar.gz", "artifact": {"sha256": sha256(archive).hexdigest()},
            "metadata": {"dependencies": {}}, "signatures": [],
        }  # fmt: skip
    return {"available_versions": {"v3": "v3/"}} if path == "/api" else None
