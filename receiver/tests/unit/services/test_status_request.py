# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where statuses go and what they say: nothing in a payload bends the address (SECURITY: the token stays at home)."""

from __future__ import annotations

from typing import get_args

import pytest

from playhook.domain.event import StatusTarget
from playhook.domain.status import CommitStatus, OutgoingRequest, PostedStatus, StatusCredential
from playhook.errors import Malformed
from playhook.services.azure_devops import AzureDevOps
from playhook.services.base import Service
from playhook.services.bitbucket_cloud import BitbucketCloud
from playhook.services.bitbucket_dc import BitbucketDataCenter
from playhook.services.gitea import Gitea
from playhook.services.github import GitHub
from playhook.services.gitlab import GitLab
from playhook.services.posting import find_origin

SHA = "a1f4c2d98e07b6534f21c0de9b8a7766554433a1"
PAGE = "https://playhook.example.com/#/jobs/7"
AT = {
    AzureDevOps: "https://dev.azure.com/acorn-works",
    BitbucketCloud: "https://api.bitbucket.org",
    BitbucketDataCenter: "https://bitbucket.acorn-works.example",
    Gitea: "https://git.acorn-works.example",
    GitHub: "https://api.github.com",
    GitLab: "https://gitlab.com",
}
HOSTED = (BitbucketCloud, GitHub, GitLab)  # by one company, so that a token without an address is for its service
OWN = (AzureDevOps, BitbucketDataCenter, Gitea)
IDS = "7d0f2c1e-5b3a-4e0e-9f5e-4c8f1d9a2b60/5f4a1c02-19c1-4d3c-8f0e-91b2f4d07a11"
every_service = pytest.mark.parametrize("service", AT)


def request(
    service: type[Service],
    *,
    repository: str | None = None,
    sha: str = SHA,
    origin: str | None = "",
    api_url: str | None = None,
    status: PostedStatus = "successful",
    **texts: str,
) -> OutgoingRequest | None:
    own = AT[service] if service in OWN and api_url is None else api_url
    name = (IDS if service is AzureDevOps else "acorn-works/orchard") if repository is None else repository
    target = StatusTarget(repository=name, sha=sha, origin=AT[service] if origin == "" else origin)
    told = {"context": "playhook/prune", "description": "Job 7 succeeded.", "target_url": PAGE, **texts}
    return service().status_request(
        target, CommitStatus(status=status, **told), StatusCredential(token="t0ken", api_url=own)
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


def test_a_status_of_bitbucket_data_center_in_full() -> None:
    base = "https://bitbucket.acorn-works.example/rest/build-status/1.0"
    assert request(BitbucketDataCenter, repository="") == OutgoingRequest(
        method="POST",
        url=f"{base}/commits/{SHA}",
        api_base=base,
        headers={"Authorization": "Bearer t0ken", "Accept": "application/json", "User-Agent": "playhook"},
        json={
            "key": "playhook/prune",
            "name": "playhook/prune",
            "state": "SUCCESSFUL",
            "description": "Job 7 succeeded.",
            "url": PAGE,
        },
    )


def test_a_status_of_bitbucket_cloud_in_full() -> None:
    base = "https://api.bitbucket.org/2.0"
    assert request(BitbucketCloud) == OutgoingRequest(
        method="POST",
        url=f"{base}/repositories/acorn-works/orchard/commit/{SHA}/statuses/build",
        api_base=base,
        headers={"Authorization": "Bearer t0ken", "Accept": "application/json", "User-Agent": "playhook"},
        json={
            "key": "playhook/prune",
            "name": "playhook/prune",
            "state": "SUCCESSFUL",
            "description": "Job 7 succeeded.",
            "url": PAGE,
        },
    )


def test_a_status_of_gitea_in_full() -> None:
    base = "https://git.acorn-works.example/api/v1"
    assert request(Gitea) == OutgoingRequest(
        method="POST",
        url=f"{base}/repos/acorn-works/orchard/statuses/{SHA}",
        api_base=base,
        headers={"Authorization": "token t0ken", "Accept": "application/json", "User-Agent": "playhook"},
        json={
            "state": "success",
            "context": "playhook/prune",
            "description": "Job 7 succeeded.",
            "target_url": PAGE,
        },
    )


def test_a_status_of_azure_devops_in_full() -> None:
    project, repository = IDS.split("/")
    base = "https://dev.azure.com/acorn-works"
    assert request(AzureDevOps) == OutgoingRequest(
        method="POST",
        url=f"{base}/{project}/_apis/git/repositories/{repository}/commits/{SHA}/statuses?api-version=7.1",
        api_base=base,
        # `printf ':t0ken' | base64`
        headers={"Authorization": "Basic OnQwa2Vu", "Accept": "application/json", "User-Agent": "playhook"},
        json={
            "state": "succeeded",
            "description": "Job 7 succeeded.",
            "context": {"name": "playhook/prune", "genre": "playhook"},
            "targetUrl": PAGE,
        },
    )


@pytest.mark.parametrize(
    "repository",
    ["", "Fruit/orchard", IDS.replace("-", ""), f"{IDS}/x", f"../{IDS}", IDS.replace("/", "/../"), IDS + "\n"],
)
def test_azure_devops_takes_only_ids(repository: str) -> None:
    with pytest.raises(Malformed, match="told by their ids"):
        request(AzureDevOps, repository=repository)


# In the order of pending, running, successful, failed, error, canceled; None: not posted.
STATES = {
    AzureDevOps: ("pending", None, "succeeded", "failed", "error", "failed"),
    BitbucketCloud: ("INPROGRESS", None, "SUCCESSFUL", "FAILED", "FAILED", "STOPPED"),
    BitbucketDataCenter: ("INPROGRESS", None, "SUCCESSFUL", "FAILED", "FAILED", "FAILED"),
    Gitea: ("pending", None, "success", "failure", "error", "failure"),
    GitHub: ("pending", None, "success", "failure", "error", "failure"),
    GitLab: ("pending", "running", "success", "failed", "failed", "canceled"),
}


@every_service
def test_states_are_the_services_own(service: type[Service]) -> None:
    requests = [request(service, status=status) for status in get_args(PostedStatus)]

    assert get_args(PostedStatus) == ("pending", "running", "successful", "failed", "error", "canceled")
    assert tuple(found.json["state"] if found else None for found in requests) == STATES[service]


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
        (BitbucketCloud, "http://127.0.0.1:8123/2.0/", "http://127.0.0.1:8123/2.0"),
        (BitbucketDataCenter, "https://git.example.org", "https://git.example.org/rest/build-status/1.0"),
        (BitbucketDataCenter, "https://git.example.org/bb/rest/", "https://git.example.org/bb/rest/build-status/1.0"),
        (AzureDevOps, "https://ado.example.org/tfs/Fruit/", "https://ado.example.org/tfs/Fruit"),
        (Gitea, "https://git.example.org/", "https://git.example.org/api/v1"),
        (Gitea, "https://git.example.org/tea/api/v1", "https://git.example.org/tea/api/v1"),
    ],
)
@pytest.mark.parametrize("origin", ["https://evil.example", None, "https://api.github.com"])
def test_the_credentials_address_decides(service: type[Service], api_url: str, base: str, origin: str | None) -> None:
    """With an api_url, what the payload says of its host is neither used nor compared."""
    found = request(service, api_url=api_url, origin=origin)

    assert found is not None
    assert found.api_base == base
    assert found.url.startswith(base + "/")


@pytest.mark.parametrize("service", HOSTED)
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
def test_without_an_api_url_another_host_gets_no_token(service: type[Service], origin: str | None) -> None:
    with pytest.raises(Malformed, match=r"set the credential's api_url") as caught:
        request(service, origin=origin)

    assert (origin or "an unknown host") in str(caught.value)


@pytest.mark.parametrize("service", OWN)
@pytest.mark.parametrize("origin", [None, "https://git.acorn-works.example", "https://evil.example"])
def test_a_service_that_anybody_runs_gets_a_token_by_its_address_only(
    service: type[Service], origin: str | None
) -> None:
    target = StatusTarget(repository=IDS, sha=SHA, origin=origin)
    status = CommitStatus(status="successful", context="c", description="d", target_url=PAGE)

    with pytest.raises(Malformed, match=r"has no api_url\. To post statuses, set the credential's api_url"):
        service().status_request(target, status, StatusCredential(token="t0ken"))


@every_service
@pytest.mark.parametrize(
    "api_url",
    [
        "", "api.github.com", "ftp://git.example.org", "file:///etc/passwd", "https://", "https://user:pw@git.example.org",
        "https://git.example.org?x=1", "https://git.example.org#x", "https://git.example.org:port", "https://[::1",
        "https://git example.org",
    ],
)  # fmt: skip
def test_an_address_that_is_none_is_refused(service: type[Service], api_url: str) -> None:
    with pytest.raises(Malformed, match="api_url is not") as caught:
        request(service, api_url=api_url)

    assert "pw" not in str(caught.value)


@every_service
@pytest.mark.parametrize("sha", ["", "main", SHA[:7], SHA + "0", SHA.upper(), "../" + SHA, SHA[:-1] + "\n", SHA + "/x"])
def test_only_a_full_sha_gets_a_status(service: type[Service], sha: str) -> None:
    with pytest.raises(Malformed, match="not a full SHA"):
        request(service, sha=sha)


@pytest.mark.parametrize("service", [each for each in AT if each is not BitbucketCloud])
def test_a_sha256_repository_gets_a_status(service: type[Service]) -> None:
    found = request(service, sha="ab" * 32)

    assert found is not None
    assert "ab" * 32 in found.url.split("/")


def test_bitbucket_cloud_tells_twelve_digits_of_a_commit_and_takes_them() -> None:
    found = request(BitbucketCloud, sha=SHA[:12])

    assert found is not None
    assert found.url.endswith(f"/commit/{SHA[:12]}/statuses/build")


def test_long_names_stay_apart_in_bitbucket_clouds_short_keys() -> None:
    first, second = (request(BitbucketCloud, context="playhook/" + "n" * 60 + last) for last in "ab")

    assert first is not None
    assert second is not None
    assert len(first.json["key"]) == len(second.json["key"]) == 40
    assert first.json["key"] != second.json["key"]
    assert first.json["name"] == "playhook/" + "n" * 60 + "a"


@pytest.mark.parametrize(
    "repository",
    [
        "", "orchard", "acorn-works/", "/orchard", "acorn-works/orchard/x", "../orchard", "acorn-works/..", "./x",
        "acorn works/orchard", "acorn-works/orchard?x", "acorn-works/orchard#x", "acorn-works/%2e%2e", "a\\b/c",
        "a/b\n", "a/.", "--upload-pack=x/../y", "évil/orchard",
    ],
)  # fmt: skip
@pytest.mark.parametrize("service", [BitbucketCloud, Gitea, GitHub])
def test_a_repository_is_its_owner_and_name(service: type[Service], repository: str) -> None:
    with pytest.raises(Malformed, match=r"(owner|workspace)/(name|slug)"):
        request(service, repository=repository)


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
