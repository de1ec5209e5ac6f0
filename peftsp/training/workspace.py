"""The workspace of a project in Weights & Biases: runs compared by method and backbone.

``python -m peftsp.training.workspace ENTITY [PROJECT]`` makes it, once for a project.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from peftsp.command_line import new_parser, parse, run_command
from peftsp.errors import ConfigError
from peftsp.labels import KINGDOMS, NO_SP, SP_TYPES

if TYPE_CHECKING:
    from wandb_workspaces.workspaces import Workspace

COMPARED = {"method": "choices.peft", "backbone": "choices.backbone"}
"""What runs are grouped by: a heading, and the setting that a run logs."""


def make_workspace(entity: str, project: str) -> Workspace:
    """Lay out the workspace; nothing is sent until its ``save`` is called.

    Args:
        entity: User or team in Weights & Biases.
        project: The project, as ``logger.wandb.project`` has it.

    Raises:
        ConfigError: wandb-workspaces is not installed.
    """
    try:
        import wandb_workspaces.reports.v2 as wr
        import wandb_workspaces.workspaces as ws
    except ImportError as error:
        raise ConfigError(
            "workspace: expected wandb-workspaces, pip install wandb-workspaces"
        ) from error

    sections = []
    for heading, setting in COMPARED.items():
        by = wr.Config(setting)
        bars = [("test/score", "score"), ("test/mean_mcc2", "mean MCC2")]
        curves = [("val/score", "validation score"), ("train/loss", "training loss")]
        panels = [
            *(wr.BarPlot(title=title, metrics=[name], groupby=by) for name, title in bars),
            *(
                wr.LinePlot(title=title, x="trainer/global_step", y=[name], groupby=by)
                for name, title in curves
            ),
        ]
        sections.append(ws.Section(name=f"By {heading}", panels=panels, is_open=True))
    kingdoms = [
        wr.BarPlot(
            title=f"MCC2 by {heading}, {kingdom}",
            metrics=_mcc2(kingdom),
            groupby=wr.Config(setting),
        )
        for heading, setting in COMPARED.items()
        for kingdom in KINGDOMS
    ]
    tables = [
        wr.WeavePanelSummaryTable(table_name="test/table"),
        wr.MediaBrowser(media_keys=["test/confusion"]),
    ]
    sections += [
        ws.Section(name="By kingdom and SP type", panels=kingdoms, is_open=True),
        ws.Section(name="Tables and confusion", panels=tables, is_open=True),
    ]
    return ws.Workspace(
        entity=entity, project=project, name="Methods and backbones", sections=sections
    )


def _mcc2(kingdom: str) -> list[str]:
    # Of eukaryotes one type is known.
    types = ["SP"] if kingdom == "EUKARYA" else [t for t in SP_TYPES if t != SP_TYPES[NO_SP]]
    return [f"test/mcc2/{kingdom}/{name}" for name in types]


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the workspace on the server and print its address; returns `run_command`'s status."""
    parser = new_parser(
        "python -m peftsp.training.workspace",
        "Make the workspace of a project in Weights & Biases, once for a project.",
        "example: python -m peftsp.training.workspace my-team peftsp",
    )
    parser.add_argument("entity", metavar="ENTITY", help="user or team in Weights & Biases")
    parser.add_argument(
        "project",
        metavar="PROJECT",
        nargs="?",
        default="peftsp",
        help="as logger.wandb.project has it (default: %(default)s)",
    )
    options = parse(parser, arguments)
    return run_command(lambda: _run(options.entity, options.project), "interrupted")


def _run(entity: str, project: str) -> str:
    workspace = make_workspace(entity, project)
    try:
        return str(workspace.save().url)
    # What the server refuses, its library raises as an Exception of no kind.
    except Exception as error:
        raise ConfigError(f"workspace: {' '.join(str(error).split())}") from error


if __name__ == "__main__":
    sys.exit(main())
