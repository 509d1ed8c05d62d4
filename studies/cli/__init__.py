"""The command line: exit codes 0 done, 1 some runs failed, 2 bad input, 130 interrupted."""

from collections.abc import Sequence

import click

from core.errors import InputError
from studies.cli.group import app

BAD_INPUT, INTERRUPTED = 2, 130


def main(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; bad input is one line on standard error."""
    try:
        return int(app.main(list(arguments) or ["--help"], prog_name="python -m studies", standalone_mode=False) or 0)
    except (InputError, click.ClickException) as error:
        message = error.format_message() if isinstance(error, click.ClickException) else str(error)
        click.echo(f"error: {' '.join(message.split())}", err=True)
        return BAD_INPUT
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        return INTERRUPTED
