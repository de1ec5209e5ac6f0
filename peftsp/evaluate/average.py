"""A bundle that is the mean of others."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from peftsp.errors import ConfigError
from peftsp.model.bundle import read_bundle, save_bundle
from peftsp.model.restore import check_sizes
from peftsp.model.soup import average
from peftsp.peft.registry import find_method
from peftsp.training.card import papers_of
from peftsp.training.start import find_start, read_start


def average_bundles(
    names: Sequence[str], shares: Sequence[float], output: Path, allow_code: Collection[str] = ()
) -> None:
    """Write the mean of several models, with the backbone, licences and card that one carries.

    Args:
        names: Folders of bundles, or models that ship; each once.
        shares: Weight of each in the mean, above 0.
        output: New folder.
        allow_code: Packages whose code may be imported for a bundle's method.

    Raises:
        PeftspError: A bundle is broken, two are too unlike or the same, or the output exists.
    """
    if output.exists():
        raise ConfigError(f"{output}: expected a new folder, found one that exists")
    folders = [find_start(name) for name in names]
    for place, folder in enumerate(folders):
        if folder in folders[:place]:
            raise ConfigError(f"expected each model once, found {names[place]} twice")
    bundles = {name: read_bundle(folder) for name, folder in zip(names, folders, strict=True)}
    methods = [find_method(bundle.peft, allow_code) for bundle in bundles.values()]
    for (name, bundle), method in zip(bundles.items(), methods, strict=True):
        check_sizes(bundle, method, name)
    averaged = average(bundles, methods, shares)
    starts = [
        read_start(name, method, bundle.head, bundle.crf, bundle.backbone)
        for (name, bundle), method in zip(bundles.items(), methods, strict=True)
    ]
    # All have the same backbone, and one that carries it says whose it is.
    start = next((start for start in starts if start.carries), starts[0])
    papers = papers_of(start, output.name, "Averaged with others") if start.papers else None
    save_bundle(averaged, output, start.own_backbone(start.method), papers)
