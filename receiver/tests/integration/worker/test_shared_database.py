# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a process that shares a database looks at before it starts, and how workers watch each other."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr
from tests.integration.worker.conftest import wait_for

from playhook.app import check_installed, open_database
from playhook.errors import SettingsError
from playhook.settings import Settings
from playhook.store.store import Store, open_store
from playhook.store.workers import bury_lost_workers, live_workers, remove_worker
from playhook.worker.presence import Presence

pytestmark = pytest.mark.postgresql_only


def sql(settings: Settings, statement: str) -> None:
    with psycopg.connect(settings.database) as connection:
        connection.execute(statement.encode())


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        ("UPDATE alembic_version SET version_num = '0001'", "the database has schema 0001, this playhook needs"),
        ("UPDATE alembic_version SET version_num = '9999'", "the database has schema 9999, this playhook needs"),
        (
            "COMMENT ON TABLE procrastinate_jobs IS 'playhook, procrastinate schema 99'",
            r"schema 99 of the dispatch engine \(procrastinate\), this playhook needs .* run 'playhook migrate'",
        ),
        ("DROP TABLE procrastinate_jobs CASCADE", "schema none of the dispatch engine"),
    ],
)
def test_another_schema_is_refused(settings: Settings, statement: str, sentence: str) -> None:
    sql(settings, statement)

    with pytest.raises(SettingsError, match=sentence):
        open_database(settings)


def test_another_secret_key_is_refused(settings: Settings, tmp_path: Path) -> None:
    open_database(settings)[0].close()
    other = tmp_path / "other_key"
    other.write_bytes(Fernet.generate_key())
    other.chmod(0o600)

    with pytest.raises(SettingsError, match="is not the one that this database's secrets were encrypted with"):
        open_database(settings.model_copy(update={"secret_key_file": other}))
    other.write_bytes(other.read_bytes() + b"\n" + settings.secret_key.read_bytes())  # a new key before the old one
    open_database(settings.model_copy(update={"secret_key_file": other}))[0].close()


def test_a_worker_before_the_first_receiver_is_refused(settings: Settings) -> None:
    with pytest.raises(SettingsError, match="start `playhook serve` first"):
        check_installed(settings)
    open_database(settings)[0].close()
    check_installed(settings)


def test_first_starts_of_two_machines_take_turns(settings: Settings, tmp_path: Path) -> None:
    key = tmp_path / "shared_key"
    homes = [settings.model_copy(update={"home": tmp_path / name, "secret_key_file": key}) for name in ("a", "b")]
    begin = threading.Barrier(2)
    files: list[Path | None] = []

    def start(own: Settings) -> None:
        begin.wait(30)
        store, password_file = open_database(own)
        files.append(password_file)
        store.close()

    threads = [threading.Thread(target=start, args=[each]) for each in homes]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert sorted(each is None for each in files) == [False, True]  # one of them made the administrator


LEASE = 3.0  # seconds, in which a busy machine must let each thread run


@pytest.fixture
def leased(tmp_path: Path, database_url: SecretStr) -> Iterator[tuple[Store, Settings]]:
    settings = Settings(home=tmp_path / "home", database_url=database_url, worker_lease=LEASE, queues="b, a")
    store, _password = open_database(settings)
    yield store, settings
    store.close()


def names(store: Store) -> list[str]:
    with store.reading() as connection:
        return [each.name for each in live_workers(connection)]


def test_a_worker_renews_its_lease_until_it_leaves(leased: tuple[Store, Settings]) -> None:
    store, settings = leased
    presence = Presence(store, settings, lambda: None)
    presence.enter()
    with store.reading() as connection:
        [first] = live_workers(connection)
    assert (first.queues, first.capacity, first.name) == ("a,b", settings.workers, presence.name)

    def heartbeat() -> bool:
        with store.reading() as connection:
            return any(each.heartbeat > first.heartbeat for each in live_workers(connection))

    wait_for(heartbeat, 60)
    wait_for(presence.may_judge, 60)
    assert store.write(bury_lost_workers) == []
    presence.leave()

    assert names(store) == []


def test_a_worker_that_was_buried_ends_its_jobs_and_goes_on_under_a_new_name(leased: tuple[Store, Settings]) -> None:
    store, settings = leased
    seen: list[tuple[bool, list[str]]] = []
    presence = Presence(store, settings, lambda: seen.append((presence.is_sure(), names(store))))
    presence.enter()
    before = presence.name

    store.write(remove_worker, before)
    wait_for(lambda: names(store), 60)

    assert seen == [(False, [])]  # it claims nothing, and is not listed, until its jobs have ended
    assert names(store) == [presence.name] != [before]
    presence.leave()


def test_nobody_judges_after_a_time_without_the_database(leased: tuple[Store, Settings]) -> None:
    store, settings = leased
    presence = Presence(store, settings, lambda: None)
    presence.enter()
    wait_for(presence.may_judge, 60)

    def lock(connection: psycopg.Connection) -> None:
        connection.execute("LOCK TABLE workers")

    with psycopg.connect(settings.database) as connection:
        lock(connection)
        wait_for(lambda: not presence.is_sure(), 60)
        assert not presence.may_judge()
    wait_for(presence.is_sure, 60)

    assert not presence.may_judge()
    wait_for(presence.may_judge, 60)
    presence.leave()


def test_two_state_directories_are_told_apart(leased: tuple[Store, Settings], tmp_path: Path) -> None:
    store, settings = leased
    (tmp_path / "other").mkdir()
    ids = {
        Presence(store, each, lambda: None).home_id
        for each in (settings, settings, settings.model_copy(update={"home": tmp_path / "other"}))
    }
    assert len(ids) == 2
    open_store(settings).close()
