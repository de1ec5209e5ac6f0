"""What all commands have in common: parsing, printing, the exit status."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from io import TextIOWrapper
from pathlib import Path
from typing import Any, NoReturn

from peftsp import __version__
from peftsp.errors import ConfigError, PeftspError, tell

EXIT_BAD_INPUT = 2
"""A user can mend what is wrong."""
EXIT_INTERRUPTED = 128 + 2
EXIT_TERMINATED = 128 + 15


def run_command(work: Callable[[], str], interruption: str) -> int:
    """Print what was done, or on standard error why it was not.

    Args:
        work: Does it and says so; nothing to be printed if empty.
        interruption: What to say when the user interrupts it.

    Returns:
        Exit status: 0 done, or `EXIT_BAD_INPUT` or `EXIT_INTERRUPTED`.
    """
    try:
        text = work()
    except (PeftspError, OSError) as error:
        tell(str(error))
        return EXIT_BAD_INPUT
    except KeyboardInterrupt:
        tell(interruption)
        return EXIT_INTERRUPTED
    if text:
        _print(text)
    return 0


def parse(parser: argparse.ArgumentParser, arguments: Sequence[str] | None) -> argparse.Namespace:
    """Options of a command line, with standard streams that can be written to.

    Args:
        parser: What to expect.
        arguments: Those of the process if None.
    """
    # A file that is opened would take the place of a stream that is closed.
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    sys.stdout = sys.stdout or Path(os.devnull).open("w")  # noqa: SIM115
    sys.stderr = sys.stderr or Path(os.devnull).open("w")  # noqa: SIM115
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        return parser.parse_args(arguments)
    finally:
        # Of the help, which is followed by the end of the process.
        _print()


def _print(*texts: str) -> None:
    """Print what was to be printed so far and texts; what becomes of them changes nothing else.

    A reader that has gone has read what it wanted.
    """
    try:
        print(*texts, end="\n" if texts else "", flush=True)
    except OSError as error:
        # Else the interpreter would try again at its end.
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            tell(f"standard output: expected it to take a text, found: {error.strerror}")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Say in one line what is wrong, and end."""
        tell(f"{self.prog}: {message}; {self.prog} --help lists what it takes")
        sys.exit(EXIT_BAD_INPUT)


def new_parser(prog: str, description: str, epilog: str) -> argparse.ArgumentParser:
    """A parser with the option ``--version``; its epilog keeps its line ends."""
    parser = _Parser(
        prog=prog,
        description=description,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"peftsp {__version__}")
    return parser


def add_number(
    parser: argparse.ArgumentParser, *names: str, text: str, default: float | None = None
) -> None:
    """Add an option for a number, which the settings check.

    Args:
        parser: Gets it.
        names: Of the option.
        text: What its help says.
        default: Its value if it is not given.
    """
    parser.add_argument(*names, type=_number, default=default, metavar="N", help=text)


def add_allow_code(parser: argparse.ArgumentParser) -> None:
    """Add the option for bundles whose method lives outside the package."""
    parser.add_argument(
        "--allow-code",
        action="append",
        default=[],
        metavar="PACKAGE",
        help="a package that may be imported for a bundle whose PEFT method is not peftsp's own",
    )


def add_resamples(parser: argparse.ArgumentParser) -> None:
    """Add how intervals and p values are found."""
    of_each = "of each bootstrap, and permutations of each test, 100 or more (default: %(default)s)"
    for name, least, default, text in (
        ("--resamples", 100, 2000, of_each),
        ("--seed", 0, 0, "of the resamples (default: %(default)s)"),
    ):
        parser.add_argument(name, type=at_least(least), default=default, metavar="N", help=text)


def add_former_name(parser: argparse.ArgumentParser, name: str, now: str, **settings: Any) -> None:
    """Take an option by the name that it once had, too, and say so.

    Args:
        parser: Has the option.
        name: As it was called.
        now: As it is called.
        settings: The option's type and choices.
    """

    class Renamed(argparse.Action):
        def __call__(self, _: Any, namespace: Any, value: Any, __: Any = None) -> None:
            tell(f"{name} is called {now} now")
            setattr(namespace, self.dest, value)

    hidden = argparse.SUPPRESS
    place = now.lstrip("-").replace("-", "_")
    parser.add_argument(name, dest=place, action=Renamed, default=hidden, help=hidden, **settings)


def lacking(command: str, error: ImportError, extra: str) -> ConfigError:
    """What to say where a command needs a package that is not installed.

    Args:
        command: Its name.
        error: That of the import.
        extra: The extra of peftsp that brings all it needs.
    """
    return ConfigError(
        f"{command}: expected the package {error.name}, found none: "
        f"pip install '.[{extra}]' in the folder of peftsp brings all that it needs"
    )


def folder(text: str) -> Path:
    """A folder's path, for `argparse`; an empty one would be the current folder, ``-`` a stream.

    >>> folder("out").name
    'out'
    """
    if text.strip() in ("", "-"):
        raise argparse.ArgumentTypeError(f"expected the name of a folder, found {text!r}")
    return Path(text)


def file(text: str) -> Path:
    """Path of a file to write, for `argparse`.

    >>> file("own.fasta").name
    'own.fasta'
    """
    path = Path(text)
    if text.strip() in ("", "-") or not path.name or path.is_dir():
        found = {"": "none", "-": "a stream"}.get(text.strip(), "a folder")
        raise argparse.ArgumentTypeError(f"expected the name of a file, found {found} ({text!r})")
    return path


def at_least(least: int) -> Callable[[str], int]:
    """Type of a whole number that is no smaller than another, for `argparse`."""

    def parse(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = least - 1
        if number < least:
            raise argparse.ArgumentTypeError(
                f"expected a whole number of {least} or more, found {text!r}"
            )
        return number

    return parse


def _number(text: str) -> float | str:
    """The number, or the text, for the settings to say what they expect.

    >>> _number("64"), _number("0.5"), _number("many")
    (64, 0.5, 'many')
    """
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
