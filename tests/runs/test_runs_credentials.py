"""Credentials of URLs are hidden in settings, text and log lines."""

import logging

import pytest

from peftsp.runs.credentials import CredentialsFilter, without_credentials


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("postgresql://me:PW@host:5432/db", "postgresql://***@host:5432/db"),
        ("mysql+pymysql://me:p/W@host/db", "mysql+pymysql://***@host/db"),
        ("mysql://me:p@W@host/db", "mysql://***@host/db"),
        (
            "cannot reach redis://:PW@host or redis://b",
            "cannot reach redis://***@host or redis://b",
        ),
        ("sqlite:///runs/a@b/study.db", "sqlite:///runs/a@b/study.db"),
        ("https://host/path?mail=a@b", "https://host/path?mail=a@b"),
    ],
)
def test_credentials_are_hidden_wherever_they_stand(text, hidden):
    assert without_credentials({"search": [{"storage": text}]}) == {"search": [{"storage": hidden}]}
    line = logging.LogRecord("", logging.INFO, "", 0, "given: %s", (text,), None)
    assert CredentialsFilter().filter(line)
    assert line.getMessage() == f"given: {hidden}"
