"""`threegates intake`: the public intake of reports alone, in this process, until Ctrl-C."""

from typing import Annotated

import typer

from portal.intake.serving import LOOPBACK, PORT, serve


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def intake(
        port: Annotated[int, typer.Option(min=1, max=65535, help="The port to listen on.")] = PORT,
        host: Annotated[str, typer.Option(help="The address to listen on; behind an onion service: this machine.")] = (
            LOOPBACK
        ),
    ) -> None:
        """Take reports from the public; `threegates up` starts this too, as a process of its own."""
        serve(port, host)
