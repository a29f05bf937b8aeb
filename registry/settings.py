"""Settings: every one is an environment variable THREEGATES_…, with a default that suits one machine."""

import os
import re
import ssl
from functools import lru_cache
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit, urlunsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from registry.errors import BadSetting


class Settings(BaseSettings):
    """All settings. An unknown or wrong value is an error that names the variable and the remedy."""

    model_config = SettingsConfigDict(env_prefix="THREEGATES_", extra="ignore")

    database_url: SecretStr | None = Field(
        default=None, description="postgresql://user:password@host:port/database of an existing PostgreSQL 18"
    )
    portal_database_url: SecretStr | None = Field(
        default=None,
        description="the same database as the portal enters it: as threegates_portal or a member of it",
    )
    jobs_database_url: SecretStr | None = Field(
        default=None,
        description="the same database as the jobs enter it: as threegates_jobs or a member of it",
    )
    intake_database_url: SecretStr | None = Field(
        default=None,
        description="the same database as the public intake enters it: as threegates_intake or a member of it",
    )
    tip_key_folder: Path | None = Field(
        default=None,
        description="the outer keys of reports, to be left out of every backup; DATA_FOLDER/tip-keys when unset",
    )
    tip_months: int = Field(
        default=12, ge=1, le=120, description="whole months after its own for which a report can be read"
    )
    intake_address: str | None = Field(
        default=None,
        pattern=r"^https?://",
        description="where the public reaches the intake of reports; pages of the portal lead there",
    )
    intake_rate: float = Field(
        default=5, gt=0, le=1000, description="reports a second that the public intake takes; more wait their turn"
    )
    intake_exit: str = Field(
        default="https://www.baidu.com/",
        pattern=r"^https?://",
        description="where the intake's quick exit leads: a page that nobody wonders about",
    )
    elasticsearch_url: str | None = Field(
        default=None, description="http(s)://host:port of an existing Elasticsearch 9"
    )
    elasticsearch_api_key: SecretStr | None = None
    elasticsearch_ca_file: Path | None = Field(default=None, description="certificate authority for TLS")
    index_prefix: str = Field(default="threegates", pattern=r"^[a-z][a-z0-9_-]{0,60}$")
    data_folder: Path = Field(default=Path(".threegates"), description="local servers' data, demo files, logs")
    agencies_folder: Path | None = Field(default=None, description="more agency folders beside the shipped ones")
    audit_anchor_file: Path | None = Field(
        default=None, description="where the audit's anchors are appended; audit-anchors.jsonl in the data folder"
    )
    audit_time_stamp_url: str | None = Field(
        default=None, description="a time-stamping authority (RFC 3161) that signs each anchor, http(s)://…"
    )
    audit_time_stamp_ca_file: Path | None = Field(
        default=None, description="the authority's root certificates, by which `audit verify` trusts time-stamps"
    )
    demo: bool = Field(default=False, description="the register holds demo data: pages say so")
    language: Literal["zh", "en"] = "zh"
    gate_key_file: Path | None = Field(
        default=None, description="the key that signs receipts; DATA_FOLDER/gate/signing-key.pem when unset"
    )
    gate_hold_days: int = Field(default=30, ge=1, le=366, description="how many days an allowance holds at most")
    oidc_issuer: str | None = Field(default=None, description="the identity provider's issuer, https://…")
    oidc_client_id: str | None = None
    oidc_client_secret: SecretStr | None = None
    oidc_acr: str | None = Field(
        default=None,
        description="authentication classes (acr) that the identity provider must state, with blanks between",
    )
    password_list: Path | None = Field(
        default=None, description="a file of passwords that nobody may choose, one a line, besides those shipped"
    )
    case_file_megabytes: int = Field(
        default=20, ge=1, le=100, description="how large a file attached to a case may be, in MB"
    )
    public_url: str | None = Field(
        default=None, description="the portal's address as people reach it, https://…: links in mails, feeds, webhooks"
    )
    smtp_host: str | None = Field(default=None, description="the mail server; without one no mail is sent")
    smtp_port: int | None = Field(default=None, ge=1, le=65535, description="587 for starttls, 465 for tls, else 25")
    smtp_security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="how the way to the mail server is encrypted; none only on this machine"
    )
    smtp_user: str | None = None
    smtp_password: SecretStr | None = None
    smtp_password_file: Path | None = Field(default=None, description="a file that holds the password, instead")
    smtp_ca_file: Path | None = Field(default=None, description="certificate authority of the mail server")
    smtp_sender: str | None = Field(default=None, description="the address that mails come from")
    smtp_bounces: str | None = Field(
        default=None, description="the address that mail comes back to; each mail adds its own +token before the @"
    )
    public_rate: int = Field(
        default=300, ge=1, le=1_000_000, description="requests a minute to the API from one address without a key"
    )

    @field_validator("database_url", "portal_database_url", "jobs_database_url", "intake_database_url")
    @classmethod
    def _database_is_postgresql(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not value.get_secret_value().startswith(("postgresql://", "postgres://")):
            raise ValueError("must look like postgresql://user:password@host:5432/threegates")
        if value is not None:
            _port(value.get_secret_value())
        return value

    @field_validator("elasticsearch_url")
    @classmethod
    def _elasticsearch_is_http(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("http://", "https://")):
            raise ValueError("must look like https://host:9200")
        if value is None:
            return None
        address = urlsplit(value)
        if not address.hostname:
            raise ValueError("names no host; it must look like https://host:9200")
        if address.username is not None:
            # Addresses are shown in messages and written to files; a password would go along.
            raise ValueError("must hold no user or password; use THREEGATES_ELASTICSEARCH_API_KEY")
        if _port(value) is None:
            usual = 443 if address.scheme == "https" else 80
            address = address._replace(netloc=f"{address.netloc.rstrip(':')}:{usual}")
        return urlunsplit(address).rstrip("/")

    @field_validator("public_url")
    @classmethod
    def _public_address_is_http(cls, value: str | None) -> str | None:
        if value is None:
            return None
        address = urlsplit(value)
        if address.scheme not in ("http", "https") or not address.hostname or address.username or address.query:
            raise ValueError("must look like https://register.example.gov.cn")
        return value.rstrip("/")

    @field_validator("smtp_sender")
    @classmethod
    def _sender_is_an_address(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[^@\s<>,;]+@[^@\s<>,;]+", value):
            raise ValueError("must look like register@example.gov.cn")
        return value

    @field_validator("smtp_bounces")
    @classmethod
    def _bounces_has_room(cls, value: str | None) -> str | None:
        # 64 characters before the @ (RFC 5321), of which a token with its + takes 43.
        if value is not None and not re.fullmatch(r"[A-Za-z0-9._-]{1,21}@[^@\s<>,;]+", value):
            raise ValueError("must look like bounces@register.example.gov.cn, with at most 21 characters before the @")
        return value

    @field_validator("smtp_password_file")
    @classmethod
    def _password_file_is_there(cls, value: Path | None) -> Path | None:
        if value is not None and not value.is_file():
            raise ValueError(f"there is no file {value}")
        return value

    @model_validator(mode="after")
    def _mail_is_whole(self) -> Self:
        if self.smtp_host is None:
            return self
        if self.smtp_sender is None:
            raise ValueError("THREEGATES_SMTP_HOST needs THREEGATES_SMTP_SENDER, the address that mails come from")
        if self.smtp_security == "none" and self.smtp_host not in ("127.0.0.1", "::1", "localhost"):
            raise ValueError("THREEGATES_SMTP_SECURITY may be none only where the mail server is on this machine")
        return self

    @field_validator("oidc_issuer")
    @classmethod
    def _issuer_is_safe(cls, value: str | None) -> str | None:
        if value is None:
            return None
        address = urlsplit(value)
        if address.scheme == "http" and address.hostname in ("127.0.0.1", "localhost"):
            return value.rstrip("/")
        if address.scheme != "https" or not address.hostname:
            raise ValueError("must begin with https://; on this machine itself http:// will do")
        return value.rstrip("/")

    @field_validator("audit_time_stamp_url")
    @classmethod
    def _authority_is_http(cls, value: str | None) -> str | None:
        # Plain http will do: what comes back is signed, and what is sent is the digest of a digest.
        if value is not None and (not value.startswith(("http://", "https://")) or not urlsplit(value).hostname):
            raise ValueError("must look like http://host/tsr")
        if value is not None and urlsplit(value).username is not None:
            raise ValueError("must hold no user or password")
        return value

    @field_validator("elasticsearch_ca_file", "audit_time_stamp_ca_file", "smtp_ca_file")
    @classmethod
    def _certificates_can_be_read(cls, value: Path | None) -> Path | None:
        if value is not None:
            try:
                ssl.create_default_context(cafile=str(value))
            except ssl.SSLError:
                raise ValueError(f"{value} holds no certificate in PEM form") from None
            except OSError as error:
                raise ValueError(f"{value} cannot be read ({error.strerror})") from None
        return value

    @field_validator("password_list")
    @classmethod
    def _password_list_is_there(cls, value: Path | None) -> Path | None:
        if value is not None and not value.is_file():
            raise ValueError(f"there is no file {value}")
        return value

    @field_validator("data_folder")
    @classmethod
    def _data_folder_is_no_file(cls, value: Path) -> Path:
        if value.exists() and not value.is_dir():
            raise ValueError(f"{value} is a file, not a folder")
        return value

    def database_dsn(self) -> str:
        """The PostgreSQL address, or an error that says where to get one."""
        if self.database_url is None:
            raise BadSetting(
                "THREEGATES_DATABASE_URL is not set.",
                remedy="`threegates up` runs a PostgreSQL by itself; or point the variable at one of version 18.",
            )
        return _dsn(self.database_url)

    def portal_dsn(self) -> str | None:
        """The portal's own address of the database; None where it was given none and enters as the owner."""
        return None if self.portal_database_url is None else _dsn(self.portal_database_url)

    def intake_dsn(self) -> str:
        """The public intake's address of the database: its own, or the owner's, whose rights it gives up each time."""
        return self.database_dsn() if self.intake_database_url is None else _dsn(self.intake_database_url)

    def jobs_dsn(self) -> str | None:
        """The jobs' own address of the database; None where they were given none and enter as the owner."""
        return None if self.jobs_database_url is None else _dsn(self.jobs_database_url)


def _dsn(address: SecretStr) -> str:
    return address.get_secret_value().replace("postgres://", "postgresql://", 1)


def _port(address: str) -> int | None:
    """The port of an address; raises ValueError in our words."""
    try:
        return urlsplit(address).port
    except ValueError:
        raise ValueError("has a port that is no number from 1 to 65535") from None


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process, read once."""
    # Vaults, orchestrators and systemd mount secrets as files: one a setting, named as its variable, in small letters.
    folder = os.environ.get("THREEGATES_SECRETS_FOLDER")
    if folder is not None and not Path(folder).is_dir():
        raise BadSetting(
            f"{folder} is no folder.", where="THREEGATES_SECRETS_FOLDER", remedy="Name a folder that is there."
        )
    try:
        return Settings(_secrets_dir=folder)
    except ValidationError as error:
        first = error.errors()[0]
        name = "THREEGATES_" + "_".join(str(part) for part in first["loc"] or ("smtp",)).upper()
        message = first["msg"].removeprefix("Value error, ")
        raise BadSetting(f"{message}.", where=name, remedy="Correct or unset the variable.") from None
