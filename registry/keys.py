"""Keys of the programming interface: each belongs to an organisation, has scopes and, but for the first, an end."""

from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import ARRAY, Date, Identity, Index, LargeBinary, Text
from sqlmodel import BigInteger, Field, SQLModel

from registry.history import Instant

# How long the answer to an Idempotency-Key is kept.
ANSWERS_KEPT: Final = timedelta(hours=24)


class ApiKey(SQLModel, table=True):
    """A key by its hash; the key itself is shown once and stored nowhere in the database."""

    __tablename__ = "api_keys"

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    name: str = Field(sa_type=Text, unique=True)
    key_hash: bytes = Field(sa_type=LargeBinary, unique=True)
    scopes: list[str] = Field(default_factory=list, sa_type=ARRAY(Text))
    created_at: datetime = Field(sa_type=Instant)
    expires_at: datetime | None = Field(default=None, sa_type=Instant)
    # Whose key it is; the first one, made at first start, is the register's own and has none.
    organisation_id: str | None = Field(default=None, foreign_key="organisations.id", sa_type=Text)
    created_by: str = Field(default="", sa_type=Text)
    # Requests a minute.
    rate: int = 600
    # The secret before the last rotation, which still holds until its instant, so that programs can change over.
    previous_hash: bytes | None = Field(default=None, sa_type=LargeBinary, unique=True)
    previous_until: datetime | None = Field(default=None, sa_type=Instant)
    last_used_on: date | None = Field(default=None, sa_type=Date)
    revoked_at: datetime | None = Field(default=None, sa_type=Instant)
    revoked_by: str = Field(default="", sa_type=Text)


class IdempotentAnswer(SQLModel, table=True):
    """The answer given to an Idempotency-Key: the same request again gets it again, for a day."""

    __tablename__ = "idempotent_answers"
    __table_args__ = (Index("idempotent_answers_age", "created_at"),)

    key: str = Field(primary_key=True, sa_type=Text)
    scope: str = Field(primary_key=True, sa_type=Text)
    request_hash: bytes = Field(sa_type=LargeBinary)
    status: int
    body: bytes = Field(sa_type=LargeBinary)
    created_at: datetime = Field(sa_type=Instant)
