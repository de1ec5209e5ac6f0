"""What a bundle says of the model that it was trained on from."""

from __future__ import annotations

from typing import Any

from peftsp.model.bundle_files import CARD, CARD_OF_START
from peftsp.training.start import Start


def describe_start(start: Start) -> dict[str, Any]:
    """For a bundle's ``training``: where the model comes from, and the licence that it inherits."""
    was = start.bundle.peft["method"]
    described: dict[str, Any] = {
        "start": {
            "init_from": start.name,
            "sha256": start.sha256,
            "method": f"{was} {'trained on' if start.is_kept else 'merged'}",
        }
    }
    licence = start.bundle.training.get("licence")
    return described | ({"licence": licence} if licence else {})


def papers_of(start: Start, name: str, made: str = "Trained on") -> dict[str, str]:
    """Card and licences for a bundle by file name.

    Args:
        start: What it was trained on from.
        name: Of the bundle's run.
        made: What was done to that model.
    """
    papers = {path: text for path, text in start.papers.items() if path != CARD}
    lines = [f"# {name}", "", f"{made} from `{start.name}`, content hash {start.sha256}."]
    licence = start.bundle.training.get("licence")
    if licence:
        lines += ["", f"**Licence.** It derives from that model, whose licence holds: {licence}."]
    if CARD in start.papers:
        papers[CARD_OF_START] = start.papers[CARD]
        lines += ["", f"The card of that model is [{CARD_OF_START}]({CARD_OF_START})."]
    return papers | {CARD: "\n".join(lines) + "\n"}
