"""Models on the Hugging Face Hub, named ``hf://owner/name`` or ``hf://owner/name@revision``.

Weights are taken and given as safetensors alone. ``HF_ENDPOINT``, ``HF_TOKEN``, ``HF_HOME`` and
``HF_HUB_OFFLINE`` mean what they mean to huggingface_hub.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from peftsp.errors import ConfigError, DownloadError

_PREFIX = "hf://"
_NAME = re.compile(r"hf://([\w.-]+/[\w.-]+)(?:@([\w./-]+))?")
_FILES = ["*.json", "*.safetensors", "*.md", "*LICENSE", "*NOTICE"]


def is_on_hub(place: object) -> bool:
    """Whether a place is one of the Hub.

    >>> is_on_hub("hf://facebook/esm2_t6_8M_UR50D"), is_on_hub("runs/mine/bundle"), is_on_hub(None)
    (True, False, False)
    """
    return str(place).startswith(_PREFIX)


def fetch_model(place: str) -> Path:
    """Folder of a model of the Hub in the local cache, downloaded if need be.

    Args:
        place: Its name; without a revision the newest one.

    Raises:
        ConfigError: The name has another form, or huggingface_hub is not installed.
        DownloadError: It cannot be fetched, or has no safetensors.
    """
    name, revision = _parts(place)
    fetch, errors = _library("snapshot_download")
    try:
        folder = Path(fetch(name, revision=revision, allow_patterns=_FILES, endpoint=_endpoint()))
    except errors as error:
        raise DownloadError(f"{place}: expected a model of the Hub: {_first(error)}") from error
    if not any(folder.rglob("*.safetensors")):
        raise DownloadError(f"{place}: expected weights as safetensors, found none")
    return folder


def pin(place: str) -> str:
    """The name with the commit that it means now.

    Raises:
        PeftspError: See `fetch_model`.
    """
    return f"{_PREFIX}{_parts(place)[0]}@{fetch_model(place).name}"


def push_model(folder: Path, place: str, is_private: bool = True) -> str:
    """Put the files of a folder on the Hub, in a repository that is made if need be.

    Args:
        folder: A bundle, or an adapter of Hugging Face PEFT.
        place: ``owner/name``, with or without ``hf://``.
        is_private: Whether a repository that is made is private.

    Returns:
        The name with the commit, as `fetch_model` takes it.

    Raises:
        ConfigError: The name has another form, or huggingface_hub is not installed.
        DownloadError: The Hub refuses it.
    """
    name, revision = _parts(place if is_on_hub(place) else _PREFIX + place)
    make, errors = _library("HfApi")
    hub = make(endpoint=_endpoint())
    try:
        hub.create_repo(name, private=is_private, exist_ok=True)
        done = hub.upload_folder(
            repo_id=name,
            folder_path=folder,
            revision=revision,
            allow_patterns=_FILES,
            commit_message=f"{folder.name}, by peftsp",
        )
    except errors as error:
        raise DownloadError(f"{place}: expected the Hub to take it: {_first(error)}") from error
    return f"{_PREFIX}{name}@{done.oid}"


def _parts(place: str) -> tuple[str, str | None]:
    match = _NAME.fullmatch(place)
    if not match:
        raise ConfigError(f"expected hf://owner/name or hf://owner/name@revision, found {place}")
    return match[1], match[2]


def _endpoint() -> str | None:
    return os.environ.get("HF_ENDPOINT")


def _library(name: str) -> tuple[Any, tuple[type[Exception], ...]]:
    """Something of huggingface_hub, and what it raises."""
    try:
        import huggingface_hub
        from huggingface_hub.errors import HfHubHTTPError
    except ImportError as error:
        raise ConfigError(
            "hf://: expected the package huggingface_hub; pip install huggingface_hub"
        ) from error
    # Its HTTP library, whose errors reach us too, depends on its version.
    return getattr(huggingface_hub, name), (OSError, ValueError, *HfHubHTTPError.__bases__)


def _first(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), repr(error))
