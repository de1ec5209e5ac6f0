"""What the figures of runs show, read back from their artists."""

from peftsp.report.methods import group_runs
from peftsp.report.run_figures import draw_curves, draw_tradeoff
from peftsp.runs.results import read_run


def test_curves_show_what_was_logged(two_methods):
    figure = draw_curves(two_methods[0])
    assert [axes.get_ylabel().split()[0] for axes in figure.axes] == ["training", "validation"]
    assert figure.axes[0].lines[0].get_ydata().tolist() == [60.5, 50.5]


def test_mean_curve_is_over_folds_whose_epochs_are_of_unlike_length(make_run):
    folders = [make_run("lora", fold) for fold in (0, 2)]
    curves = ["0,0,4", "0,1,2"], ["0,0,8", "0,1,6", "0,2,4", "0,3,2"]
    for folder, rows in zip(folders, curves, strict=True):
        path = folder / "logs" / "version_0" / "metrics.csv"
        path.write_text("\n".join(["epoch,step,train/nll", *rows]) + "\n")
    [axes] = draw_curves(group_runs(map(read_run, folders))).axes
    assert axes.get_xlabel() == "epoch"
    mean = axes.lines[-1]
    assert mean.get_xdata().tolist() == [0.5, 0.75, 1.0]
    assert mean.get_ydata().tolist() == [5.0, 3.5, 2.0]


def test_runs_without_curves_have_no_figure(make_run):
    folder = make_run()
    (folder / "logs" / "version_0" / "metrics.csv").unlink()
    assert draw_curves(group_runs([read_run(folder)])) is None


def test_tradeoff_has_a_point_for_each_method(evaluations):
    axes = draw_tradeoff(evaluations).axes[0]
    points = [container[0].get_xydata()[0].tolist() for container in axes.containers]
    assert points == [[1000, e.mean.value] for e in evaluations]
    assert axes.get_xscale() == "log"
