"""The errors that a user can cause and mend.

Every message names the thing, where it is, what was expected and what was found. The commands
print the message alone and exit with status 2; a traceback is for bugs.
"""

from __future__ import annotations

import sys
from contextlib import suppress

_LONGEST_MESSAGE = 900


def plain(text: str, longest: int = _LONGEST_MESSAGE) -> str:
    r"""A text of others in one line, without what a terminal would obey, and not endless.

    Args:
        text: May hold anything.
        longest: Characters that are kept, of its two ends.

    >>> plain("a\x1b[31m\nb"), plain("transmembrane", 8)
    ('a\\x1b[31m\\nb', 'tran...ane')
    """
    line = "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
    if len(line) <= longest:
        return line
    half = (longest - 1) // 2
    return f"{line[: longest - half]}...{line[-half:]}"


def tell(text: str) -> None:
    """Say something on standard error in one line; what takes no more of it ends nothing."""
    with suppress(OSError, ValueError):
        print(plain(text), file=sys.stderr, flush=True)


class PeftspError(Exception):
    """Root of every error that peftsp raises on purpose.

    Args:
        message: Shown by `plain`, since it may quote what others wrote.
    """

    def __init__(self, message: str) -> None:
        super().__init__(plain(message))


class RecordError(PeftspError):
    """A sequence file, or a record in it, is not what its format asks for."""


class ConfigError(PeftspError):
    """A setting is missing, out of range, or contradicts another."""


class DownloadError(PeftspError):
    """A file could not be fetched, or is not the file that was asked for."""


class CheckpointError(PeftspError):
    """A file of backbone or model weights cannot be read, or does not fit."""


class PrefixStoreError(PeftspError):
    """Hidden states that were kept on disk are missing, or a file of them cannot be read."""


class BundleError(PeftspError):
    """A bundle folder is incomplete, inconsistent, or does not fit its backbone."""


class TrainingError(PeftspError):
    """Training cannot go on, as where its loss is no longer a number."""


class RunError(PeftspError):
    """Training runs are missing, incomplete, or cannot be reported together."""


class BusyFolderError(RunError):
    """Another process trains in a run's folder."""
