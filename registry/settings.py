"""Settings: every one is an environment variable THREEGATES_…, with a default that suits one machine."""

from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from registry.errors import BadSetting


class Settings(BaseSettings):
    """All settings. An unknown or wrong value is an error that names the variable and the remedy."""

    model_config = SettingsConfigDict(env_prefix="THREEGATES_", extra="ignore")

    database_url: SecretStr | None = Field(
        default=None, description="postgresql://user:password@host:port/database of an existing PostgreSQL 18"
    )
    elasticsearch_url: str | None = Field(
        default=None, description="http(s)://host:port of an existing Elasticsearch 9"
    )
    elasticsearch_api_key: SecretStr | None = None
    elasticsearch_ca_file: Path | None = Field(default=None, description="certificate authority for TLS")
    index_prefix: str = Field(default="threegates", pattern=r"^[a-z][a-z0-9_-]{0,60}$")
    data_folder: Path = Field(default=Path(".threegates"), description="local servers' data, demo files, logs")
    agencies_folder: Path | None = Field(default=None, description="more agency folders beside the shipped ones")
    demo: bool = Field(default=False, description="the register holds demo data: pages say so")
    language: Literal["zh", "en"] = "zh"

    @field_validator("database_url")
    @classmethod
    def _database_is_postgresql(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not value.get_secret_value().startswith(("postgresql://", "postgres://")):
            raise ValueError("must look like postgresql://user:password@host:5432/threegates")
        return value

    @field_validator("elasticsearch_url")
    @classmethod
    def _elasticsearch_is_http(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("http://", "https://")):
            raise ValueError("must look like https://host:9200")
        return value

    def database_dsn(self) -> str:
        """The PostgreSQL address, or an error that says where to get one."""
        if self.database_url is None:
            raise BadSetting(
                "THREEGATES_DATABASE_URL is not set.",
                remedy="`threegates up` runs a PostgreSQL by itself; or point the variable at one of version 18.",
            )
        return self.database_url.get_secret_value().replace("postgres://", "postgresql://", 1)


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process, read once."""
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = "THREEGATES_" + "_".join(str(part) for part in first["loc"]).upper()
        raise BadSetting(f"{first['msg']}.", where=name, remedy="Correct or unset the variable.") from None
