"""`threegates backup`: the register and what is needed with it, in one file."""

import asyncio
from pathlib import Path
from typing import Annotated, Final

import typer

from deploy.failure import Failure
from deploy.programs import postgresql_tools
from portal.commands._operating import AsJson, operator, run, tell
from registry.auditing import audit
from registry.backups.archive import read_recipients
from registry.backups.saving import save
from registry.errors import Unavailable
from registry.settings import settings

# What lies in the file, so that whoever keeps it knows what they keep.
SECRETS: Final = (
    "内含全部登记（含信贷等保密内容）、审计、附件、封存的举报、安装密钥、回执密钥和签名密钥；不含举报的月度外层密钥，"
    "也不含 PostgreSQL 口令和环境变量。 · "
    "It holds the whole register (credit and all that is confidential), the audit, "
    "attachments, sealed reports, the installation's key, the receipts' pepper and the key that signs. "
    "It does not hold "
    "the months' outer keys of reports, PostgreSQL's passwords and what the environment sets."
)
UNSEALED: Final = (
    "此文件未加密：谁拿到它，谁就能读。请用 --to 加密，或存入加密的卷。 · The file is not encrypted: whoever has it "
    "reads it. Encrypt it with --to, or keep it on an encrypted volume."
)


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def backup(
        file: Annotated[Path, typer.Argument(help="Where the backup goes; a file that is there is never overwritten.")],
        to: Annotated[
            list[str] | None,
            typer.Option(
                "--to",
                help="Encrypt to this public key, age1…; may be given several times, each opens it. "
                "`threegates tips keys new KEY.age` makes a key under a passphrase, on any computer.",
            ),
        ] = None,
        as_json: AsJson = False,
    ) -> None:
        """Write the register and what is needed with it into one file, while everything runs.

        In it: the database (pg_dump), attachments, the installation's key, the receipts' pepper, the key that signs
        gate receipts, the audit's anchors, and a manifest with the hash of each and the digest of every table.

        **Not in it**: the months' outer keys of reports (`tip-keys`). So reports whose month is over cannot be read
        from a backup by anybody. Search is not in it either: `threegates restore` rebuilds it.

        Without `--to` the file is not encrypted and holds all that is confidential.
        """
        recipients = read_recipients(to or [])
        wanted = settings()
        dsn = wanted.database_dsn()
        try:
            tools = postgresql_tools()
        except Failure as failure:
            raise Unavailable(failure.message, remedy=failure.remedy) from failure
        manifest = asyncio.run(save(dsn, tools, file, recipients))
        noted = {"digest": manifest.digest, "rows": manifest.rows, "encrypted": bool(recipients)}
        run(lambda session: audit(session, operator(), "register.back_up", "register", after=noted))
        tell(
            {
                "file": str(file),
                "bytes": file.stat().st_size,
                "encrypted": bool(recipients),
                "tables": len(manifest.tables),
                "rows": manifest.rows,
                "digest": manifest.digest,
                "files": sorted(manifest.files),
                "made_at": manifest.made_at,
            },
            as_json=as_json,
        )
        if not as_json:
            typer.echo(SECRETS)
            if not recipients:
                typer.echo(UNSEALED)
