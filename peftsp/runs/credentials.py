"""User and password in URLs, which nothing that is written or shown may hold."""

from __future__ import annotations

import logging
import re
from typing import Any

_CREDENTIALS = re.compile(r"(?<=://)([^/\s:@]*:\S*|[^/\s]+)@")


def without_credentials(value: Any) -> Any:
    """Settings or text in which user and password of every URL are hidden.

    >>> without_credentials({"storage": "postgresql://me:secret@host/db", "folds": [0, 1]})
    {'storage': 'postgresql://***@host/db', 'folds': [0, 1]}
    """
    if isinstance(value, dict):
        return {name: without_credentials(part) for name, part in value.items()}
    if isinstance(value, list):
        return [without_credentials(part) for part in value]
    return _CREDENTIALS.sub("***@", value) if isinstance(value, str) else value


class CredentialsFilter(logging.Filter):
    """Lets log lines through without credentials."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Hide them in a line; none is left out."""
        record.msg, record.args = without_credentials(record.getMessage()), None
        return True
