# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where statuses go and what they say: nothing in a payload bends the address (SECURITY: the token stays at home)."""

from __future__ import annotations

import pytest

from playhook.domain.event import StatusTarget
from playhook.domain.status import CommitStatus, OutgoingRequest, PostedStatus, StatusCredential
from playhook.errors import Malformed
from playhook.services.github import GitHub
from playhook.services.gitlab import GitLab
from playhook.services.posting import find_origin

SHA = "a1f4c2d98e07b6534f21c0de9b8a7766554433a1"
PAGE = "https://playhook.example.com/#/jobs/7"
AT = {GitHub: "https://api.github.com", GitLab: "https://gitlab.com"}


def request(
    service: type[GitHub] | type[GitLab],
    *,
    repository: str = "acorn-works/orchard",
    sha: str = SHA,
    origin: str | None = "",
    api_url: str | None = None,
    status: PostedStatus = "successful",
    **texts: str,
) -> OutgoingRequest | None:
    target = StatusTarget(repository=repository, sha=sha, origin=AT[service] if origin == "" else origin)
    told = {"context": "playhook/prune", "description": "Job 7 succeeded.", "target_url": PAGE, **texts}
    return service().status_request(
        target, CommitStatus(status=status, **told), StatusCredential(token="t0ken", api_url=api_url)
    )


def test_a_status_of_github_in_full() -> None:
    assert request(GitHub) == OutgoingRequest(
        method="POST",
        url=f"https://api.github.com/repos/acorn-works/orchard/statuses/{SHA}",
        api_base="https://api.github.com",
        headers={
            "Authorization": "Bearer t0ken",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
            "User-Agent": "playhook",
        },
        json={
            "state": "success",
            "context": "playhook/prune",
            "description": "Job 7 succeeded.",
            "target_url": PAGE,
        },
    )


def test_a_status_of_gitlab_in_full() -> None:
    assert request(GitLab, repository="412") == OutgoingRequest(
        method="POST",
        url=f"https://gitlab.com/api/v4/projects/412/statuses/{SHA}",
        api_base="https://gitlab.com/api/v4",
        headers={"PRIVATE-TOKEN": "t0ken", "Accept": "application/json", "User-Agent": "playhook"},
        json={
            "state": "success",
            "context": "playhook/prune",
            "description": "Job 7 succeeded.",
            "target_url": PAGE,
        },
    )


@pytest.mark.parametrize(
    ("status", "at_github", "at_gitlab"),
    [
        ("pending", "pending", "pending"),
        ("running", None, "running"),
        ("successful", "success", "success"),
        ("failed", "failure", "failed"),
        ("canceled", "failure", "canceled"),
        ("error", "error", "failed"),
    ],
)
def test_states_are_the_services_own(status: PostedStatus, at_github: str | None, at_gitlab: str) -> None:
    github, gitlab = request(GitHub, status=status), request(GitLab, status=status)

    assert (github.json["state"] if github else None) == at_github
    assert gitlab is not None
    assert gitlab.json["state"] == at_gitlab


@pytest.mark.parametrize(
    ("service", "api_url", "base"),
    [
        (GitHub, "https://git.example.org/api/v3", "https://git.example.org/api/v3"),
        (GitHub, "https://git.example.org/api/v3/", "https://git.example.org/api/v3"),
        (GitHub, "http://127.0.0.1:8123", "http://127.0.0.1:8123"),
        (GitLab, "https://git.example.org", "https://git.example.org/api/v4"),
        (GitLab, "https://git.example.org/", "https://git.example.org/api/v4"),
        (GitLab, "https://git.example.org/api/v4", "https://git.example.org/api/v4"),
        (GitLab, "https://git.example.org/api/v4/", "https://git.example.org/api/v4"),
        (GitLab, "https://git.example.org/gitlab", "https://git.example.org/gitlab/api/v4"),
        (GitLab, "http://[::1]:8123", "http://[::1]:8123/api/v4"),
    ],
)
@pytest.mark.parametrize("origin", ["https://evil.example", None, "https://api.github.com"])
def test_the_credentials_address_decides(
    service: type[GitHub] | type[GitLab], api_url: str, base: str, origin: str | None
) -> None:
    """With an api_url, what the payload says of its host is neither used nor compared."""
    found = request(service, api_url=api_url, origin=origin)

    assert found is not None
    assert found.api_base == base
    assert found.url.startswith(base + "/")


@pytest.mark.parametrize("service", [GitHub, GitLab])
@pytest.mark.parametrize(
    "origin",
    [
        None,
        "https://evil.example",
        "http://api.github.com",
        "https://api.github.com:8443",
        "https://gitlab.com.evil.io",
    ],
)
def test_without_an_api_url_another_host_gets_no_token(
    service: type[GitHub] | type[GitLab], origin: str | None
) -> None:
    with pytest.raises(Malformed, match=r"set the credential's api_url") as caught:
        request(service, origin=origin)

    assert (origin or "an unknown host") in str(caught.value)


@pytest.mark.parametrize("service", [GitHub, GitLab])
@pytest.mark.parametrize(
    "api_url",
    [
        "", "api.github.com", "ftp://git.example.org", "file:///etc/passwd", "https://", "https://user:pw@git.example.org",
        "https://git.example.org?x=1", "https://git.example.org#x", "https://git.example.org:port", "https://[::1",
        "https://git example.org",
    ],
)  # fmt: skip
def test_an_address_that_is_none_is_refused(service: type[GitHub] | type[GitLab], api_url: str) -> None:
    with pytest.raises(Malformed, match="api_url is not") as caught:
        request(service, api_url=api_url)

    assert "pw" not in str(caught.value)


@pytest.mark.parametrize("service", [GitHub, GitLab])
@pytest.mark.parametrize("sha", ["", "main", SHA[:7], SHA + "0", SHA.upper(), "../" + SHA, SHA[:-1] + "\n", SHA + "/x"])
def test_only_a_full_sha_gets_a_status(service: type[GitHub] | type[GitLab], sha: str) -> None:
    with pytest.raises(Malformed, match="not a full SHA"):
        request(service, sha=sha)


@pytest.mark.parametrize("service", [GitHub, GitLab])
def test_a_sha256_repository_gets_a_status(service: type[GitHub] | type[GitLab]) -> None:
    found = request(service, sha="ab" * 32)

    assert found is not None
    assert found.url.endswith("/statuses/" + "ab" * 32)


@pytest.mark.parametrize(
    "repository",
    [
        "", "orchard", "acorn-works/", "/orchard", "acorn-works/orchard/x", "../orchard", "acorn-works/..", "./x",
        "acorn works/orchard", "acorn-works/orchard?x", "acorn-works/orchard#x", "acorn-works/%2e%2e", "a\\b/c",
        "a/b\n", "a/.", "--upload-pack=x/../y", "évil/orchard",
    ],
)  # fmt: skip
def test_github_takes_only_owner_and_name(repository: str) -> None:
    with pytest.raises(Malformed, match="owner/name"):
        request(GitHub, repository=repository)


@pytest.mark.parametrize(
    "repository", ["", "-1", "1.5/", "acorn", "a//b", "a/../b", "a/..", "../a", "a b/c", "a/b?c", "a/b\n"]
)
def test_gitlab_takes_only_an_id_or_a_path(repository: str) -> None:
    with pytest.raises(Malformed, match="neither an id nor a path"):
        request(GitLab, repository=repository)


def test_gitlabs_paths_are_encoded() -> None:
    found = request(GitLab, repository="acorn-works/fruit/orchard.site")

    assert found is not None
    assert found.url == f"https://gitlab.com/api/v4/projects/acorn-works%2Ffruit%2Forchard.site/statuses/{SHA}"


def test_texts_are_cut_to_what_the_service_takes() -> None:
    github = request(GitHub, description="d" * 141, context="c" * 256)
    gitlab = request(GitLab, description="d" * 256, context="c" * 256, target_url="https://x.example/" + "u" * 250)

    assert github is not None
    assert gitlab is not None
    assert (github.json["description"], github.json["context"]) == ("d" * 139 + "…", "c" * 254 + "…")
    assert (gitlab.json["description"], gitlab.json["context"]) == ("d" * 254 + "…", "c" * 254 + "…")
    assert "target_url" not in gitlab.json


def test_control_characters_become_spaces() -> None:
    hostile = "Job\r\n7\x1b[31m \u202egnp.exe\x00 failed\t🐛."
    github, gitlab = request(GitHub, description=hostile), request(GitLab, description=hostile)

    assert github is not None
    assert gitlab is not None
    # GitHub refuses characters above U+FFFF in a status.
    assert github.json["description"] == "Job 7 [31m gnp.exe failed ."
    assert gitlab.json["description"] == "Job 7 [31m gnp.exe failed 🐛."


def test_the_token_is_in_no_representation() -> None:
    assert "t0ken" not in repr(request(GitHub))
    assert "t0ken" not in repr(request(GitLab))


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://api.github.com/repos/a/b", "https://api.github.com"),
        ("HTTPS://API.GitHub.com:443/x", "https://api.github.com"),
        ("http://host:80/", "http://host"),
        ("http://host:8080/", "http://host:8080"),
        ("https://user:pw@host/x", "https://host"),
        ("http://[::1]:3000/x", "http://[::1]:3000"),
        ("//host/x", None),
        ("ssh://git@host/x", None),
        ("javascript:alert(1)", None),
        ("https://ho st/", None),
        ("https://host:99999999/", None),
        ("https://[::1", None),
        ("", None),
        (None, None),
    ],
)
def test_origins_are_compared_in_one_form(url: str | None, origin: str | None) -> None:
    assert find_origin(url) == origin
