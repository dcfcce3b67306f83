# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What lists may be asked for, by AWX's rules: every lookup on every kind of field, and its sentences for the rest."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api_client import Api
from tests.contract.world import PLAIN, TOKEN

QUOTED = "\u201c{}\u201d"
NO_TIME = "value has the correct format (YYYY-MM-DD HH:MM[:ss[.uuuuuu]][TZ]) but it is an invalid date/time."
FORBIDDEN = "You do not have permission to perform this action."


def _names(api: Api, path: str) -> list[str]:
    answer = api.get(f"/api/v2/{path}")
    assert answer.status == 200, answer.body
    return [each.get("name", each.get("username")) for each in answer.json()["results"]]


FOUND = [
    # booleans
    ("hosts/?enabled=f", ["Beta"]),
    ("hosts/?enabled__exact=False", ["Beta"]),
    ("hosts/?enabled__in=false,0", ["Beta"]),
    ("hosts/?not__enabled=true", ["Beta"]),
    ("hosts/?enabled__isnull=true", []),
    # numbers and ids
    ("hosts/?id__in=1,2", ["Beta", "alpha"]),
    ("hosts/?id__gte=4&id__lt=5", ["gammaX1"]),
    ("hosts/?pk=1", ["alpha"]),
    ("hosts/?id__int=1", ["alpha"]),
    ("hosts/?id__contains=1&name=alpha", ["alpha"]),
    ("hosts/?id__startswith=5", ["till-1"]),
    ("job_templates/?forks=0&name=Check", ["Check"]),
    ("job_templates/?verbosity__gt=0", []),
    ("unified_jobs/?elapsed__gte=0.0&elapsed__lt=1&id=1", ["Deploy"]),
    # dates
    ("hosts/?created__gt=2020-01-01&name=alpha", ["alpha"]),
    ("hosts/?created__gte=2020-1-1 1:02&name=alpha", ["alpha"]),
    ("hosts/?created__lte=2020-01-01T00:00:00.5%2B02:00", []),
    ("hosts/?modified__lt=2020-01-01T00:00 Z", []),
    ("jobs/?finished__isnull=true&order_by=id&page_size=1", ["Deploy"]),
    ("jobs/?started__isnull=0", []),
    ("jobs/?finished__gt=2020-01-01", []),
    # texts
    ("hosts/?name__iexact=ALPHA", ["alpha"]),
    ("hosts/?description__iexact=FIRST&order_by=-name", ["gamma_1", "alpha"]),
    ("hosts/?name=", []),
    ("hosts/?description=&order_by=name", ["Beta", "till-1"]),
    ("hosts/?name__in=alpha,alpha", ["alpha"]),
    # choices
    ("job_templates/?job_type=check", ["Check"]),
    ("job_templates/?webhook_service=github", ["Deploy"]),
    ("job_templates/?webhook_service=", ["Check"]),
    ("jobs/?status__in=pending,running&order_by=-id&page_size=1", ["Deploy"]),
    # what is the same on every object here
    ("job_templates/?execution_environment__isnull=true&name=Check", ["Check"]),
    ("job_templates/?execution_environment=7", []),
    ("job_templates/?not__execution_environment=7&order_by=-next_job_run,name", ["Check", "Deploy"]),
    ("inventories/?pending_deletion=false&total_inventory_sources__lt=1", ["Tills"]),
    ("inventories/?pending_deletion__in=true,1", []),
    ("jobs/?controller_node__icontains=x", []),
    ("jobs/?controller_node=&page_size=1&controller_node__regex=^$", ["Deploy"]),
    ("hosts/?inventory__has_active_failures=false&name=alpha", ["alpha"]),
    # foreign keys
    ("hosts/?inventory=1&name=alpha", ["alpha"]),
    ("hosts/?inventory__in=1,99&name=alpha", ["alpha"]),
    ("hosts/?inventory=null", []),
    ("job_templates/?webhook_credential__isnull=True", ["Check"]),
    ("job_templates/?webhook_credential=none", ["Check"]),
    ("job_templates/?not__webhook_credential=1", ["Check"]),
    ("job_templates/?webhook_credential__name=bot", ["Deploy"]),
    ("job_templates/?not__webhook_credential__name=bot", ["Check"]),
    ("job_templates/?webhook_credential__name__isnull=true", ["Check"]),
    ("job_templates/?project__organization__name__startswith=Sh&name=Check", ["Check"]),
    ("job_templates/?created_by__username=admin&name=Check", ["Check"]),
    ("credentials/?credential_type__namespace=github_token", ["bot", "own"]),
    ("credentials/?credential_type__kind=token&organization__name=Shop", ["bot"]),
    # many
    ("inventories/?hosts__name=alpha", ["Tills"]),
    ("inventories/?hosts=1", ["Tills"]),
    ("inventories/?hosts__isnull=true", []),
    ("inventories/?not__hosts__enabled=false", []),
    ("inventories/?chain__hosts__name=alpha&chain__hosts__enabled=false", ["Tills"]),
    ("inventories/?hosts__name=alpha&hosts__enabled=false", []),
    ("inventories/?chain__not__hosts__name=nobody&chain__hosts__name=alpha", ["Tills"]),
    # or, not
    ("hosts/?or__name=alpha&or__name=Beta", ["Beta", "alpha"]),
    ("hosts/?or__not__enabled=true&or__name=alpha", ["Beta", "alpha"]),
    ("hosts/?or__name=alpha&or__name=Beta&enabled=true", ["alpha"]),
    ("hosts/?or__inventory__name=nothing&or__name=alpha", ["alpha"]),
    ("hosts/?not__name=alpha&not__name=Beta&not__name__startswith=gamma", ["till-1"]),
    # search
    ("hosts/?search=FIRST gamma", ["gamma_1"]),
    ("hosts/?search=first,gamma", ["gamma_1"]),
    ('hosts/?search="third, last"', ["gammaX1"]),
    ("hosts/?search=", ["Beta", "alpha", "gammaX1", "gamma_1", "till-1"]),
    ("inventories/?hosts__search=alpha", ["Tills"]),
    ("inventories/?hosts__search=nobody&hosts__search=alpha", ["Tills"]),
    ("inventories/?hosts__search=nobody,alpha", []),
    ("inventories/?hosts__search=nobody&organization__search=shop", ["Tills"]),
    # type, order, and words that are no filter
    ("inventories/?type=inventory", ["Tills"]),
    ("inventories/?type=host,inventory", ["Tills"]),
    ("inventories/?type=host", []),
    ("unified_job_templates/?type=project", ["Shop playbooks"]),
    ("unified_job_templates/?type=project,job_template&order_by=-type,name",
     ["Shop playbooks", "Check", "Deploy"]),
    ("job_templates/?order_by=-webhook_credential__name", ["Check", "Deploy"]),
    ("job_templates/?order_by=webhook_credential__name,", ["Deploy", "Check"]),
    ("job_templates/?order=-name", ["Deploy", "Check"]),
    ("organizations/?role_level=admin_role&name=Shop", ["Shop"]),
    ("inventories/?no_truncate=1&limit=3&validate=1&host_filter=x&format=json", ["Tills"]),
    # pages
    ("hosts/?page=last&page_size=2", ["till-1"]),
    ("hosts/?page=&page_size=1", ["Beta"]),
    ("hosts/?page_size=x&name=alpha", ["alpha"]),
    ("hosts/?page=last&name=nobody", []),
    ("labels/?page=last", []),
]  # fmt: skip

REFUSED = [
    ("hosts/?id__iexact=1", 400, "id is not a text field and cannot be filtered by case-insensitive search"),
    ("hosts/?inventory__iexact=1", 400,
     "inventory is not a text field and cannot be filtered by case-insensitive search"),
    ("hosts/?inventory__contains=1", 400, "Related Field got invalid lookup: contains"),
    ("hosts/?inventory__regex=1", 400, "Related Field got invalid lookup: regex"),
    ("inventories/?hosts__startswith=1", 400, "Related Field got invalid lookup: startswith"),
    ("hosts/?inventory__contains=x", 400, "Invalid inventory id: x"),
    ("hosts/?inventory=", 400, "Invalid inventory id: "),
    ("hosts/?inventory__in=1,x", 400, "Invalid inventory id: x"),
    ("hosts/?id__in=1,x", 400, f'["{QUOTED.format("x")} value must be an integer."]'),
    ("job_templates/?execution_environment=x", 400, "Invalid execution_environment id: x"),
    ("hosts/?id__int=x", 400, "invalid literal for int() with base 10: 'x'"),
    ("hosts/?id=", 400, f'["{QUOTED.format("")} value must be an integer."]'),
    ("unified_jobs/?elapsed__gt=x", 400, f'["{QUOTED.format("x")} value must be a decimal number."]'),
    ("hosts/?enabled=2", 400, 'Unable to convert "2" to boolean'),
    ("hosts/?name__isnull=perhaps", 400, 'Unable to convert "perhaps" to boolean'),
    ("hosts/?created__gt=2020-13-01", 400,
     f'["{QUOTED.format("2020-13-01")} value has the correct format (YYYY-MM-DD) but it is an invalid date."]'),
    ("hosts/?created__gt=2020-01-01T25:00", 400,
     f'["{QUOTED.format("2020-01-01T25:00")} {NO_TIME}"]'),
    ("hosts/?created=", 400,
     f'["{QUOTED.format("")} value has an invalid format. It must be in YYYY-MM-DD HH:MM[:ss[.uuuuuu]][TZ] format."]'),
    ("hosts/?or__nope=1", 400, "Host has no field named 'nope'"),
    ("hosts/?not__or__name=1", 400, "Host has no field named 'or'"),
    ("hosts/?chain__or__name=1", 400, "Host has no field named 'or'"),
    ("hosts/?name__exact__exact=1", 400, "No related model for field exact."),
    ("hosts/?not__=1", 400, "Query string field name not provided."),
    ("hosts/?__exact=1", 400, "Query string field name not provided."),
    ("hosts/?%C3%A9=1", 400, "'\u00e9' is not an allowed field name. Must be ascii encodable."),
    ("hosts/?role_level=admin_role", 400,
     "Cannot apply role_level filter to this list because its model does not use roles for access control."),
    ("hosts/?order_by=inventory__nope", 400, "Inventory has no field named 'nope'"),
    ("hosts/?order_by=name__x", 400, "No related model for field x."),
    ("hosts/?order_by=-", 400, "Host has no field named ''"),
    ("hosts/?order_by=type", 400, "Host has no field named 'type'"),
    ("hosts/?description__search=x", 400, "description is not searchable"),
    ("hosts/?nope__search=x", 400, "Host has no field named 'nope'"),
    ("job_templates/?webhook_key__isnull=false", 403, "Filtering on webhook_key is not allowed."),
    ("job_templates/?host_config_key=x", 403, "Filtering on host_config_key is not allowed."),
    ("projects/?credential__inputs__contains=x", 403, "Filtering on password fields is not allowed."),
    ("users/?password__startswith=x", 403, "Filtering on password is not allowed."),
    ("labels/?page=2", 404, "Invalid page."),
    ("webhook_services/?page=9", 404, "Invalid page."),
    ("hosts/?page=-1", 404, "Invalid page."),
]  # fmt: skip


@pytest.mark.parametrize(("path", "wanted"), FOUND, ids=lambda value: value if isinstance(value, str) else "")
def test_lists_hold_what_was_asked_for(shared_api: Api, path: str, wanted: list[str]) -> None:
    assert _names(shared_api, path) == wanted


@pytest.mark.parametrize(("path", "status", "detail"), REFUSED, ids=lambda value: str(value)[:40])
def test_what_cannot_be_asked_gets_awx_sentence(shared_api: Api, path: str, status: int, detail: str) -> None:
    answer = shared_api.get(f"/api/v2/{path}")
    assert (answer.status, answer.json()) == (status, {"detail": detail})


def test_links_of_pages_keep_the_question(shared_api: Api) -> None:
    middle = shared_api.get("/api/v2/hosts/?page_size=2&page=2&name__contains=a&order_by=-id").json()
    assert middle["count"] == 4
    assert middle["previous"] == "/api/v2/hosts/?name__contains=a&order_by=-id&page=1&page_size=2"
    first = shared_api.get("/api/v2/hosts/?page_size=9999&enabled=true").json()
    assert (first["next"], len(first["results"])) == (None, 4)


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("application/json", 200), ("text/html,application/xhtml+xml;q=0.9", 200), ("*/*", 200),
        ("application/json; indent=4", 200), ("application/xml", 406), ("image/png", 406),
    ],
)  # fmt: skip
def test_representations(shared_api: Api, accept: str, status: int) -> None:
    answer = shared_api.request("GET", "/api/v2/hosts/", headers={"accept": accept})
    assert answer.status == status
    assert answer.headers["content-type"] == "application/json"


class TestWhatOthersMaySee:
    """A user without a role owns one credential; the rest is none of their business."""

    @pytest.fixture
    def plain(self, shared_api: Api) -> Api:
        return shared_api.login(*PLAIN)

    def test_owned_objects_are_listed(self, plain: Api) -> None:
        assert _names(plain, "credentials/?credential_type__kind=token") == ["own"]
        assert _names(plain, "organizations/") == []

    @pytest.mark.parametrize(
        "path",
        [
            "credentials/?organization__name__startswith=H",
            "credentials/?organization__search=Hidden",
            "credentials/?order_by=organization__name",
            "credentials/?credential_type__credentials__organization__name=Hidden",
        ],
    )
    def test_filters_tell_nothing_of_the_rest(self, plain: Api, path: str) -> None:
        answer = plain.get(f"/api/v2/{path}")
        assert (answer.status, answer.json()) == (403, {"detail": FORBIDDEN})

    def test_filters_see_only_what_a_list_would_show(self, plain: Api) -> None:
        assert _names(plain, "credentials/?user__username=plain") == ["own"]
        assert _names(plain, "credentials/?created_by__username=admin") == []
        assert _names(plain, "credential_types/?credentials__name=own") == ["GitHub Personal Access Token"]
        assert _names(plain, "credential_types/?credentials__name=bot") == []

    def test_an_owner_cannot_move_a_credential(self, shared_api: Api, plain: Api) -> None:
        own = plain.get("/api/v2/credentials/").json()["results"][0]
        for organization in (1, 2, 3, 999_999):
            answer = plain.patch(own["url"], {"organization": organization})
            assert (answer.status, answer.json()) == (403, {"detail": FORBIDDEN})
        assert plain.patch(own["url"], {"description": "mine", "organization": None}).status == 200
        assert shared_api.get(own["url"]).json()["organization"] is None


_WORDS = st.sampled_from(
    ["id", "pk", "name", "enabled", "inventory", "hosts", "organization", "created", "created_by", "job_templates",
     "credentials", "project", "type", "status", "elapsed", "extra_vars", "webhook_credential", "inputs", "last_job",
     "or", "not", "chain", "search", "exact", "iexact", "contains", "regex", "iregex", "in", "isnull", "gt", "lte",
     "int", "page", "page_size", "order_by", "", "\u00e9", "x"]
)  # fmt: skip
_NAMES = st.lists(_WORDS, min_size=1, max_size=5).map("__".join)
_VALUES = st.one_of(
    st.sampled_from(["", "1", "0", "-1", "true", "null", "last", "a,b", "(", "[a-", "2020-02-30", "9" * 40, "1e400",
                     "0001-01-01T00:00+23:59", "\x00", "\ud800".encode("utf-8", "surrogatepass").decode("latin-1")]),
    st.text(max_size=8),
)  # fmt: skip
_LISTS = st.sampled_from(
    ["hosts", "inventories", "job_templates", "jobs", "unified_jobs", "credentials", "credential_types", "users",
     "organizations", "projects", "webhook_deliveries", "status_posts", "tokens", "job_events"]
)  # fmt: skip


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(resource=_LISTS, query=st.lists(st.tuples(_NAMES, _VALUES), max_size=4))
def test_no_question_is_answered_with_an_error_of_ours(
    shared_api: Api, resource: str, query: list[tuple[str, str]]
) -> None:
    answer = shared_api.get(f"/api/v2/{resource}/?{urlencode(query)}")
    body: dict[str, Any] = answer.json()
    assert answer.status in {200, 400, 403, 404}, (query, body)
    assert ("results" in body) == (answer.status == 200)
    assert TOKEN not in answer.body.decode()
