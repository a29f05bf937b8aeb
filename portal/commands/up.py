"""`threegates up`: run everything on this machine until Ctrl-C."""

import os
from typing import Annotated

import typer

from deploy.failure import Failure
from deploy.reaching import SearchServer
from deploy.supervision import Supervisor
from deploy.wish import INTAKE_PORT, PORTAL_PORT, Wish
from registry.errors import Unavailable
from registry.settings import settings


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def up(
        demo: Annotated[
            bool, typer.Option("--demo", help="Load the demo's register and let three played agencies answer.")
        ] = False,
        port: Annotated[int, typer.Option(min=1, max=65535, help="The portal's port; the next free one if taken.")] = (
            PORTAL_PORT
        ),
        intake_port: Annotated[
            int, typer.Option(min=1, max=65535, help="The port of the public intake of reports; as for the portal's.")
        ] = INTAKE_PORT,
    ) -> None:
        """Run PostgreSQL, Elasticsearch, portal, intake of reports, worker and scheduler on this machine, until Ctrl-C.

        Servers named by THREEGATES_DATABASE_URL and THREEGATES_ELASTICSEARCH_URL are used instead of own ones.
        """
        wanted = settings()
        search_server = None
        if wanted.elasticsearch_url is not None:
            key = wanted.elasticsearch_api_key
            search_server = SearchServer(
                wanted.elasticsearch_url, key.get_secret_value() if key else None, wanted.elasticsearch_ca_file
            )
        wish = Wish(
            data_folder=wanted.data_folder,
            demo=demo,
            database_url=wanted.database_dsn() if wanted.database_url is not None else None,
            # Without a database of somebody else's these addresses are our own server's.
            portal_database_url=wanted.portal_dsn() if wanted.database_url is not None else None,
            intake_database_url=wanted.intake_dsn() if wanted.database_url and wanted.intake_database_url else None,
            jobs_database_url=wanted.jobs_dsn() if wanted.database_url is not None else None,
            search_server=search_server,
            portal_port=port,
            intake_port=intake_port,
            environment=dict(os.environ),
        )
        try:
            code = Supervisor(wish).run()
        except Failure as failure:
            raise Unavailable(failure.message, remedy=failure.remedy) from failure
        raise typer.Exit(code)
