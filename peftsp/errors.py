"""The errors that a user can cause and mend.

Every message names the thing, where it is, what was expected and what was found. The commands
print the message alone and exit with status 2; a traceback is for bugs.
"""

from __future__ import annotations


class PeftspError(Exception):
    """Root of every error that peftsp raises on purpose."""


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
