"""Which weights the register links with: those that came with the software, or the latest trained for it."""

from datetime import datetime
from functools import lru_cache

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.linking.model import Model, read_model, shipped


async def active_model(connection: AsyncConnection) -> Model:
    """The model in use."""
    version = await connection.scalar(text("SELECT version FROM link_models WHERE retired_at IS NULL"))
    return shipped() if version is None else await model_of(connection, str(version))


async def model_of(connection: AsyncConnection, version: str) -> Model:
    """The model of a version that links were made with, so that a score can be told again; KeyError where unknown."""
    if version == shipped().version:
        return shipped()
    weights = await connection.scalar(
        text("SELECT weights FROM link_models WHERE version = :version"), {"version": version}
    )
    if weights is None:
        raise KeyError(version)
    return _read(str(weights))


async def adopt(connection: AsyncConnection, weights: str, actor: str, at: datetime) -> Model:
    """Link with these weights from now on; those used before are kept."""
    model = read_model(weights)
    await connection.execute(
        text("UPDATE link_models SET retired_at = :at WHERE retired_at IS NULL AND version <> :version"),
        {"at": at, "version": model.version},
    )
    await connection.execute(
        text(
            "INSERT INTO link_models (version, weights, trained_by, trained_at) "
            "VALUES (:version, :weights, :actor, :at) "
            "ON CONFLICT (version) DO UPDATE SET retired_at = NULL"
        ),
        {"version": model.version, "weights": weights, "actor": actor, "at": at},
    )
    return model


async def use_shipped(connection: AsyncConnection, at: datetime) -> Model:
    """Link with the weights that came with the software again."""
    await connection.execute(text("UPDATE link_models SET retired_at = :at WHERE retired_at IS NULL"), {"at": at})
    return shipped()


@lru_cache(maxsize=4)
def _read(weights: str) -> Model:
    return read_model(weights)
