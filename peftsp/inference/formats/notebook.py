"""Predictions that show themselves in notebooks."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from html import escape
from importlib.util import find_spec

from peftsp.inference.formats.figure_files import picture_of
from peftsp.records import Prediction


@dataclass(frozen=True, slots=True)
class ShownPrediction(Prediction):
    """A prediction with its picture, where matplotlib is installed."""

    def _repr_html_(self) -> str | None:
        if find_spec("matplotlib") is None:
            return None
        picture = b64encode(picture_of(self, "svg")).decode()
        note = f"<p>{escape(self.note)}</p>" if self.note else ""
        return (
            f'<img alt="{escape(self.identifier)}: {self.sp_type}" '
            f'src="data:image/svg+xml;base64,{picture}">{note}'
        )


def shown(predictions: Iterable[Prediction]) -> Iterator[ShownPrediction]:
    """The same predictions, each of which a notebook shows as a picture."""
    for found in predictions:
        yield ShownPrediction(**{field.name: getattr(found, field.name) for field in _FIELDS})


_FIELDS = fields(Prediction)
