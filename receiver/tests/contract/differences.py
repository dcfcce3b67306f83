# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where our answers differ from AWX's on purpose: which request, which difference, and why.

Both are patterns (fnmatch): of a recording's name, and of what a comparison says.
"""

from __future__ import annotations

DIFFERENCES: tuple[tuple[str, str, str], ...] = (
    ("root/*-api-v2", ".webhook_* added", "our own resources stand beside AWX's in the map"),
    ("root/*-api-v2", ".status_posts added", "our own resources stand beside AWX's in the map"),
    ("job_templates/097-*", "status 201, not 400", "the service that AWX does not know is gitea, which we do"),
    ("root/006-*", "*", "the dashboard is not built: every such key answers an empty list"),
    ("*", "*.object_roles.*_role missing", "roles on objects are not built; the key is there, and empty"),
    ("*", "*.resolved_environment missing", "jobs run without an execution environment"),
    ("root/017-*", "header allow *", "there is no subscription to post to config, or to delete from it"),
    ("root/010-*", "status 404, not 200", "the OAuth application endpoints are not built"),
    ("auth/034-*", "status 405, not 201", "applications are not built: an empty list, and 405 to a POST"),
    ("root/022-*", "status 404, not 500", "AWX fails where it has no pages; nothing here answers 500"),
    ("*/112-webhook-key-anon", "status 401, not 500", "AWX fails for anonymous callers; nothing here answers 500"),
    ("*", "body *or YAML (error: *", "the parser's own sentence repeats the line, and there may be a password in it"),
    # Webhooks.
    ("deliveries/168-*", "*", "schedules are not built: such a path answers an empty list"),
    ("deliveries/177-github-ping", "status 200, not 202", "a ping proves that the hook works, and launches nothing"),
    ("deliveries/183-*", "status 202, not 403", "SHA-256 is what GitHub recommends; AWX knows SHA-1 only"),
    ("deliveries/185-*", "status 202, not 403", "the SHA-256 signature is right, and it decides"),
    ("deliveries/186-*", "status 403, not 202", "the SHA-256 signature is wrong, and it decides"),
    ("deliveries/25[89]-gitlab-*", "body *", "GitLab names its deliveries; AWX takes equal bodies for one, for ever"),
    ("deliveries/279-*", "status 403, not 202", "SHA-1 alone is refused unless the template allows it"),
)
