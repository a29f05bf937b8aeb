"""A database that cannot be reached says in words what is wrong and what to do."""

import asyncio
from urllib.parse import urlsplit, urlunsplit

import certifi
import pytest
from sqlalchemy import text

from registry.database import make_engine, transaction
from registry.errors import BadSetting, ThreegatesError, Unavailable
from tests.tls_proxy import CERTIFICATE, postgresql_behind_tls


def failure(dsn: str) -> ThreegatesError:
    """What a command meets at an address."""

    async def ask() -> None:
        engine = make_engine(dsn)
        try:
            async with transaction(engine) as session:
                await session.connection()
        finally:
            await engine.dispose()

    with pytest.raises(ThreegatesError) as caught:
        asyncio.run(ask())
    assert caught.value.remedy, "a failure without a remedy"
    return caught.value


def other(dsn: str, **parts: str) -> str:
    """The address with some parts replaced."""
    return urlunsplit(urlsplit(dsn)._replace(**parts))


def test_a_wrong_password_is_said_to_be_one(database_url: str) -> None:
    host = urlsplit(database_url).netloc.rsplit("@", 1)[1]
    error = failure(other(database_url, netloc=f"threegates:wrong-secret@{host}"))
    assert isinstance(error, BadSetting)
    assert "password" in error.message
    assert "wrong-secret" not in str(error)


def test_a_database_that_is_not_there_comes_with_its_command(database_url: str) -> None:
    error = failure(other(database_url, path="/tg_test_nowhere"))
    assert "tg_test_nowhere" in error.message
    assert "createdb" in error.remedy


def test_a_server_that_is_not_there_is_unavailable() -> None:
    assert isinstance(failure("postgresql://somebody:secret@127.0.0.1:9/register"), Unavailable)


@pytest.mark.parametrize(
    "query", ["sslmode=verify-full&sslrootcert=/nowhere/ca.crt", "sslmode=nonsense", "no_such_option=1"]
)
def test_options_that_cannot_be_used_name_the_variable(database_url: str, query: str) -> None:
    error = failure(other(database_url, query=query))
    assert isinstance(error, BadSetting)
    assert "THREEGATES_DATABASE_URL" in str(error)


def test_over_tls_with_the_right_authority_it_answers(database_url: str) -> None:
    with postgresql_behind_tls(database_url) as secured:
        engine = make_engine(f"{secured}?sslmode=verify-full&sslrootcert={CERTIFICATE}")

        async def ask() -> object:
            try:
                async with transaction(engine) as session:
                    return await (await session.connection()).scalar(text("SELECT 41 + 1"))
            finally:
                await engine.dispose()

        assert asyncio.run(ask()) == 42


def test_over_tls_with_another_authority_it_is_refused(database_url: str) -> None:
    with postgresql_behind_tls(database_url) as secured:
        error = failure(f"{secured}?sslmode=verify-full&sslrootcert={certifi.where()}")
    assert isinstance(error, BadSetting)
    assert "encrypted connection" in error.message
    assert "sslrootcert" in error.remedy


def test_a_server_without_tls_is_said_to_have_none(database_url: str) -> None:
    error = failure(other(database_url, query=f"sslmode=verify-full&sslrootcert={CERTIFICATE}"))
    assert isinstance(error, BadSetting)
    assert "does not speak TLS" in error.message
