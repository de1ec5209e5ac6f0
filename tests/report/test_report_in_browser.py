"""The report's tables in a real browser, with more methods than fit side by side."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from browser import open_tab

from peftsp.report.build import ReportSettings, build_report


@pytest.mark.slow
def test_no_table_runs_out_of_its_column(make_run, tmp_path, blank_pictures):
    for number in range(6):
        for fold in (0, 1):
            make_run(f"low_rank_method_{number}", fold, quality=0.9)
    settings = ReportSettings([tmp_path / "runs"], tmp_path / "report", 5, 0, has_progress=False)
    page = build_report(settings).page
    with open_tab(tmp_path) as tab:
        tab.open(page.as_uri(), width=1200)
        tab.wait_for("document.readyState === 'complete' && document.querySelector('td')")
        assert tab.run("document.querySelectorAll('th').length") > 20
        is_wide = "(cell) => cell.scrollWidth > cell.clientWidth + 1"
        assert tab.run(f"[...document.querySelectorAll('td, th')].filter({is_wide}).length") == 0
        assert tab.run("document.documentElement.scrollWidth") <= 1200
