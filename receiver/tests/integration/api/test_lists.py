# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists: pages, filters, order and search by AWX's rules, the same for every resource."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine
from tests.api_client import Api
from tests.integration.api.conftest import World, create, names

pytestmark = pytest.mark.both_databases


@pytest.fixture
def hosts(api: Api, world: World) -> str:
    """The path of a list of five hosts."""
    path: str = world.inventory["related"]["hosts"]
    for name, description, enabled in (
        ("alpha", "First", True), ("Beta", "", False), ("gamma_1", "first", True), ("gammaX1", "third", True),
    ):  # fmt: skip
        assert api.post(path, {"name": name, "description": description, "enabled": enabled}).status == 201
    return path


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("name=alpha", ["alpha"]),
        ("name=ALPHA", []),
        ("name__exact=alpha", ["alpha"]),
        ("name__iexact=ALPHA", ["alpha"]),
        ("name__contains=amma", ["gammaX1", "gamma_1"]),
        ("name__contains=AMMA", []),
        ("name__contains=_", ["gamma_1"]),
        ("name__contains=%25", []),
        ("name__icontains=AMMA", ["gammaX1", "gamma_1"]),
        ("name__startswith=gam", ["gammaX1", "gamma_1"]),
        ("name__startswith=Gam", []),
        ("name__istartswith=GAM", ["gammaX1", "gamma_1"]),
        ("name__endswith=1", ["gammaX1", "gamma_1", "till-1"]),
        ("name__endswith=a-longer-text-than-any-name", []),
        ("name__iendswith=x1", ["gammaX1"]),
        ("name__regex=%5Egamma.1$", ["gammaX1", "gamma_1"]),
        ("name__regex=%5EGAMMA", []),
        ("name__iregex=%5EGAMMA", ["gammaX1", "gamma_1"]),
        ("name__gt=gamma", ["gammaX1", "gamma_1", "till-1"]),
        ("name__lte=alpha", ["Beta", "alpha"]),
        ("name__in=alpha,Beta,nope", ["Beta", "alpha"]),
        ("enabled=false", ["Beta"]),
        ("enabled=1&name__startswith=g", ["gammaX1", "gamma_1"]),
        ("not__name=alpha&not__name__startswith=g", ["Beta", "till-1"]),
        ("or__name=alpha&or__name=Beta", ["Beta", "alpha"]),
        ("or__name=alpha&or__not__enabled=true", ["Beta", "alpha"]),
        ("or__id=1&or__name=alpha", ["alpha", "till-1"]),
        ("chain__name__contains=a&chain__description=third", ["gammaX1"]),
        ("inventory__name=Tills&name=alpha", ["alpha"]),
        ("inventory__organization__name=Shop&enabled=false", ["Beta"]),
        ("not__inventory__organization__name=Shop", []),
        ("inventory__organization__isnull=true", []),
        ("inventory__isnull=false&name=alpha", ["alpha"]),
        ("created_by__username=admin&name=alpha", ["alpha"]),
        ("created__gt=2020-01-01&name=alpha", ["alpha"]),
        ("created__lt=2020-01-01T00:00:00Z", []),
        ("search=first", ["alpha", "gamma_1"]),
        ("search=first,gamma", ["gamma_1"]),
        ("search=till", ["till-1"]),
        ("inventory__search=Tills&name=alpha", ["alpha"]),
        ("inventory__search=nothing", []),
        ("type=host&name=alpha", ["alpha"]),
        ("type=inventory", []),
        ("order_by=-name&enabled=true", ["till-1", "gamma_1", "gammaX1", "alpha"]),
        ("order_by=description,-name&not__description=", ["alpha", "gamma_1", "gammaX1"]),
        ("order_by=inventory__name,name&name__in=alpha,Beta", ["Beta", "alpha"]),
        ("format=json&name=alpha", ["alpha"]),
    ],
)  # fmt: skip
def test_filters_order_and_search(api: Api, hosts: str, query: str, wanted: list[str]) -> None:
    assert names(api, f"{hosts}?{query}") == wanted


@pytest.mark.parametrize(
    ("query", "status", "detail"),
    [
        ("nope=1", 400, "Host has no field named 'nope'"),
        ("name__nope=1", 400, "No related model for field nope."),
        ("inventory__nope=1", 400, "Inventory has no field named 'nope'"),
        ("id=x", 400, '["\u201cx\u201d value must be an integer."]'),
        ("inventory=x", 400, "Invalid inventory id: x"),
        ("enabled=perhaps", 400, 'Unable to convert "perhaps" to boolean'),
        ("created__gt=x", 400,
         '["\u201cx\u201d value has an invalid format. It must be in YYYY-MM-DD HH:MM[:ss[.uuuuuu]][TZ] format."]'),
        ("name__in=", 400, "cannot provide empty value for __in"),
        ("name__regex=(", 400, "missing ), unterminated subpattern at position 0"),
        ("name__search=x", 400, "name is not searchable"),
        ("order_by=nope", 400, "Host has no field named 'nope'"),
        ("inventory__hosts__inventory__hosts__name=x", 400,
         "Loops not allowed in filters, detected on field inventory."),
        ("created_by__password=x", 403, "Filtering on password is not allowed."),
        ("&".join(f"or__name={n}" for n in range(201)), 400, "A list takes 200 comparisons at once; these are 202."),
        ("inventory__search=" + ",".join("x" * 60), 400, "A list takes 200 comparisons at once; these are 241."),
        ("search=" + ",".join("x" * 120), 400, "A list takes 200 comparisons at once; these are 241."),
        ("order_by=" + ",".join(["inventory__name"] * 120), 400,
         "A list takes 200 comparisons at once; these are 241."),
        ("id__in=" + ",".join(map(str, range(10_001))), 400,
         "A list compares with 10000 values at once; these are 10001."),
        ("type=" + ",".join(["host"] * 10_001), 400, "A list compares with 10000 values at once; these are 10001."),
        ("page=2", 404, "Invalid page."),
        ("page=0", 404, "Invalid page."),
        ("page=x", 404, "Invalid page."),
        ("format=xml", 404, "Not found."),
    ],
)  # fmt: skip
def test_what_cannot_be_asked(api: Api, hosts: str, query: str, status: int, detail: str) -> None:
    answer = api.get(f"{hosts}?{query}")
    assert (answer.status, answer.json()) == (status, {"detail": detail})


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("job_templates/?webhook_key=x", "webhook_key"),
        ("job_templates/?extra_vars__contains=x", "extra_vars"),
        ("job_templates/?order_by=webhook_key", "webhook_key"),
        ("jobs/?extra_vars=x", "extra_vars"),
        ("jobs/?job_template__extra_vars=x", "extra_vars"),
        ("credentials/?inputs__contains=x", "password fields"),
        ("tokens/?token__startswith=x", "token"),
    ],
)
def test_secrets_cannot_be_guessed_by_filters(api: Api, path: str, name: str) -> None:
    answer = api.get(f"/api/v2/{path}")
    assert (answer.status, answer.json()) == (403, {"detail": f"Filtering on {name} is not allowed."})


def test_many_values_are_no_trouble(api: Api, hosts: str) -> None:
    assert names(api, f"{hosts}?name__in=alpha,{','.join(map(str, range(9_999)))}") == ["alpha"]


def test_pages_lead_to_each_other(api: Api, hosts: str) -> None:
    first = api.get(f"{hosts}?page_size=2&order_by=name").json()
    assert (first["count"], first["previous"]) == (5, None)
    assert first["next"] == f"{hosts}?order_by=name&page=2&page_size=2"
    second = api.get(first["next"]).json()
    assert second["previous"] == f"{hosts}?order_by=name&page=1&page_size=2"
    last = api.get(second["next"]).json()
    assert (last["next"], [each["name"] for each in last["results"]]) == (None, ["till-1"])


def test_page_sizes_are_capped_and_zero_means_the_default(api: Api, world: World) -> None:
    path = world.inventory["related"]["hosts"]
    for number in range(30):
        api.post(path, {"name": f"h{number:02}"})
    assert len(api.get(path, page_size=0).json()["results"]) == 25
    capped = api.get(path, page_size=100_000)
    assert (len(capped.json()["results"]), capped.json()["next"]) == (31, None)


def test_the_count_can_be_left_out(api: Api, hosts: str) -> None:
    assert list(api.get(hosts, count_disabled="true").json()) == ["results"]


def test_filters_on_one_relation_are_about_one_and_the_same_object(api: Api, world: World) -> None:
    path = "/api/v2/inventories/"
    together = "hosts__name=till-1&hosts__description=second"
    api.post(world.inventory["related"]["hosts"], {"name": "till-2", "description": "second"})
    assert names(api, f"{path}?{together}") == []
    chained = "&".join(f"chain__{each}" for each in together.split("&"))
    assert names(api, f"{path}?{chained}") == ["Tills"]


def test_attached_credentials_can_be_filtered_on(api: Api, world: World) -> None:
    machine = create(api, "credentials", name="root", organization=1, credential_type=1, inputs={})
    assert api.post(world.template["related"]["credentials"], {"id": machine["id"]}).status == 204
    assert names(api, "/api/v2/job_templates/?credentials__name=root") == ["Deploy"]
    assert names(api, f"/api/v2/job_templates/?credentials={machine['id']}") == ["Deploy"]
    assert names(api, "/api/v2/job_templates/?credentials__isnull=true") == []
    assert names(api, "/api/v2/job_templates/?not__credentials__name=root") == []


def test_unified_lists_show_each_kind_as_itself(api: Api, world: World) -> None:
    api.post(world.template["related"]["launch"])
    templates = api.get("/api/v2/unified_job_templates/").json()["results"]
    assert [each["type"] for each in templates] == ["job_template", "project"]
    assert [each["url"] for each in templates] == [world.template["url"], world.project["url"]]
    assert names(api, "/api/v2/unified_job_templates/?type=project") == ["Shop playbooks"]
    assert [each["type"] for each in api.get("/api/v2/unified_jobs/").json()["results"]] == ["job"]
    assert names(api, "/api/v2/unified_jobs/?type=project_update") == []


@pytest.fixture
def statements() -> Iterator[list[str]]:
    """Every SQL statement that is run meanwhile."""
    seen: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, _p: Any, _context: Any, _many: bool) -> None:
        seen.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    yield seen
    event.remove(Engine, "before_cursor_execute", note)


@pytest.mark.parametrize(
    "path",
    ["organizations", "users", "credential_types", "credentials", "projects", "inventories", "hosts", "job_templates",
     "jobs", "unified_jobs", "unified_job_templates"],
)  # fmt: skip
def test_a_longer_page_takes_no_more_queries(api: Api, world: World, statements: list[str], path: str) -> None:
    def count() -> int:
        statements.clear()
        assert api.get(f"/api/v2/{path}/").status == 200
        return len(statements)

    _add_one_of_each(api, world, "first")
    before = count()
    for name in ("second", "third", "fourth"):
        _add_one_of_each(api, world, name)
    assert count() <= before


def _add_one_of_each(api: Api, world: World, name: str) -> None:
    organization = create(api, "organizations", name=name)["id"]
    create(api, "users", username=name, password="a password of no use")
    create(api, "credential_types", name=name, kind="cloud")
    kind = world.credential["credential_type"]
    credential = create(api, "credentials", name=name, organization=organization, credential_type=kind)["id"]
    inventory = create(api, "inventories", name=name, organization=organization)["id"]
    create(api, "hosts", name=name, inventory=inventory)
    create(api, "projects", name=name, organization=organization, scm_type="git", scm_url="https://example.com/x.git")
    fields = {**world.template_fields, "inventory": inventory, "webhook_service": "github"}
    template = create(api, "job_templates", name=name, webhook_credential=credential, **fields)
    assert api.post(template["related"]["launch"]).status == 201


@pytest.mark.sqlite_only
@pytest.mark.parametrize("operator", ["regex", "iregex"])
def test_a_pattern_that_takes_for_ever_is_refused_soon(api: Api, hosts: str, operator: str) -> None:
    """Python's `re` doubles its time with each letter here, and lets no other thread run."""
    assert api.post(hosts, {"name": "slow", "description": "a" * 27 + "!"}).status == 201
    started = time.process_time()
    answer = api.get(f"{hosts}?description__{operator}=(a|a)%2B$")
    detail = {"detail": "The regular expression takes too long; write a simpler one."}
    assert (answer.status, answer.json()) == (400, detail)
    assert time.process_time() - started < 2
    assert api.get(f"{hosts}?description__regex=^a%2B!$").json()["count"] == 1


@pytest.mark.sqlite_only
def test_many_rows_share_the_time_of_a_pattern(monkeypatch: pytest.MonkeyPatch, api: Api, hosts: str) -> None:
    monkeypatch.setattr("playhook.store.regexp.TOTAL_LIMIT", 0.0)
    assert api.get(f"{hosts}?name__regex=a").status == 400


@pytest.mark.postgresql_only
def test_a_pattern_that_the_database_does_not_know_is_refused(api: Api, hosts: str) -> None:
    answer = api.get(f"{hosts}?name__regex=(%3FP<word>a)")
    assert answer.status == 400
    assert "invalid regular expression" in answer.json()["detail"]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("playhook.store.engine._SLOWEST_READ", "1s")


@pytest.mark.postgresql_only
@pytest.mark.usefixtures("impatient")
def test_a_pattern_that_takes_postgresql_for_ever_is_refused(api: Api, hosts: str) -> None:
    assert api.post(hosts, {"name": "slow", "description": "ab" * 300 + "c"}).status == 201
    answer = api.get(f"{hosts}?description__regex=(.%2B)(.%2B)%5C1%5C2$")
    assert (answer.status, answer.json()["detail"]) == (
        400,
        "The regular expression takes too long; write a simpler one.",
    )
