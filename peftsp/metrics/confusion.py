"""The picture of a confusion matrix, in a run's folder and in reports."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from numpy.typing import NDArray

from peftsp.labels import SP_TYPES


def draw_confusion(axes: Axes, counts: NDArray[np.int64], font_size: float) -> AxesImage:
    """Draw a confusion matrix: counts as text, shares of the true type as shade.

    Args:
        axes: Gets it; its own labels and title stay to the caller.
        counts: int64, ``(K, K)``; rows are true types, columns predicted ones.
        font_size: Of the counts, in points.

    Returns:
        The shades, from 0 to 1, for a colour bar.
    """
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), number in np.ndenumerate(counts):
        color = "white" if shares[row, column] > 0.5 else "black"
        axes.text(
            column, row, str(number), ha="center", va="center", color=color, fontsize=font_size
        )
    axes.set_xticks(range(len(SP_TYPES)), SP_TYPES, rotation=40, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(SP_TYPES)), SP_TYPES)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    return image
