"""Keys of the programming interface: one is made at first start, until people have accounts."""

from datetime import datetime

from sqlalchemy import ARRAY, Identity, LargeBinary, Text
from sqlmodel import BigInteger, Field, SQLModel

from registry.history import Instant


class ApiKey(SQLModel, table=True):
    """A key by its hash; the key itself is shown once and stored nowhere in the database."""

    __tablename__ = "api_keys"

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    name: str = Field(sa_type=Text, unique=True)
    key_hash: bytes = Field(sa_type=LargeBinary, unique=True)
    scopes: list[str] = Field(default_factory=list, sa_type=ARRAY(Text))
    created_at: datetime = Field(sa_type=Instant)
    expires_at: datetime | None = Field(default=None, sa_type=Instant)


class IdempotentAnswer(SQLModel, table=True):
    """The answer given to an Idempotency-Key: the same request again gets it again."""

    __tablename__ = "idempotent_answers"

    key: str = Field(primary_key=True, sa_type=Text)
    scope: str = Field(primary_key=True, sa_type=Text)
    request_hash: bytes = Field(sa_type=LargeBinary)
    status: int
    body: bytes = Field(sa_type=LargeBinary)
    created_at: datetime = Field(sa_type=Instant)
