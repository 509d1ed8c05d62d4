"""The command line and its exit codes.

0 done, 1 some runs failed, 2 bad input, 3 the machine failed (disk, permissions, cluster), 130 interrupted, 143
terminated.
"""

import os
import select
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from types import FrameType

import click

from core.errors import InputError, MachineError
from studies.cli.group import app
from studies.cli.unwritten import unwritten
from studies.formatting import printable

BAD_INPUT, MACHINE, INTERRUPTED, TERMINATED = 2, 3, 130, 143


class _Terminated(KeyboardInterrupt):
    """Somebody asks the process to end, as schedulers of clusters do; it ends as it does for Ctrl-C."""


def main(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; what goes wrong is one line on standard error."""
    _open_standard_streams()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            # A terminal that cannot show a letter shows another.
            stream.reconfigure(errors="replace")
    terminated: list[int] = []

    def terminate(number: int, frame: FrameType | None) -> None:
        terminated.append(number)
        raise _Terminated

    before = signal.signal(signal.SIGTERM, terminate)
    try:
        code = _run(arguments)
    finally:
        signal.signal(signal.SIGTERM, before)
    code = _written_out(code)
    return TERMINATED if terminated else code


def console() -> None:
    """Run the command line as the installed command ``gating-studies``."""
    sys.exit(main(sys.argv[1:]))


def _open_standard_streams() -> None:
    """Open those that the process was started without: a file of a study must not be taken for one of them."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def _written_out(code: int) -> int:
    """Write out what is left in the standard streams, and return the exit code; Python itself would choose another."""
    for stream in (sys.stdout, sys.stderr):
        if stream is None:
            continue
        try:
            stream.flush()
        except OSError as error:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
            if stream is sys.stdout:
                unwritten.append(error)
    # A reader that has gone has what it wanted.
    faults = [error for error in unwritten if not isinstance(error, BrokenPipeError)]
    unwritten.clear()
    if faults and code == 0:
        return _failed(f"standard output: {faults[0].strerror}", MACHINE)
    return code


def _run(arguments: Sequence[str]) -> int:
    try:
        # Not by app.main, which would choose the exit code where nobody reads any more.
        with app.make_context("python -m studies", list(arguments) or ["--help"]) as context:
            return int(app.invoke(context) or 0)
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.ClickException as error:
        return _failed(error.format_message(), BAD_INPUT)
    except InputError as error:
        return _failed(str(error), BAD_INPUT)
    except MachineError as error:
        return _failed(str(error), MACHINE)
    except BrokenPipeError as error:
        # The reader has what it wanted, if it is that which is broken.
        return 0 if _nobody_reads() else _failed(f"this machine: {error.strerror}", MACHINE)
    except OSError as error:
        # Of a file that cannot take another's place, the other.
        return _failed(f"{error.filename2 or error.filename or 'this machine'}: {error.strerror or error}", MACHINE)
    except (KeyboardInterrupt, click.Abort):
        return _said("interrupted", INTERRUPTED)


def _nobody_reads() -> bool:
    if not hasattr(select, "poll"):
        return True
    poll = select.poll()
    poll.register(sys.stdout.fileno(), 0)
    return bool(poll.poll(0))


def _failed(message: str, code: int) -> int:
    return _said(f"error: {printable(message)}", code)


def _said(line: str, code: int) -> int:
    with suppress(OSError):
        click.echo(line, err=True)
    return code
