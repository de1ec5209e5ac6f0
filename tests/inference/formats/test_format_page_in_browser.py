"""The report page in a real browser without a window, driven by a script put into a copy."""

import base64
import csv
import hashlib
import io
import json
import re
import subprocess
from dataclasses import replace

import pytest
from browser import find_browser

from peftsp.inference.formats.page import HTML
from peftsp.inference.formats.table import COLUMNS, table_row
from peftsp.labels import SP_TYPES

DRIVER = """
const names = () => Array.from(document.querySelectorAll("td.name button"), (b) => b.textContent);
const press = (selector) => document.querySelector(selector).click();
const type = (text) => {
  byId("search").value = text;
  byId("search").dispatchEvent(new Event("input"));
};
const seen = { title: document.title, first: names(), images: document.images.length };
seen.firstStatus = byId("status").textContent;
press(".counts input[value=NO_SP]");
seen.start = names();
seen.status = byId("status").textContent;
seen.unsure = document.querySelectorAll("td[title='unsure cleavage site']").length;
seen.csv = asCsv(state.shown);
press("td.name button");
seen.plot = {
  lines: document.querySelectorAll(".plot polyline").length,
  letters: Array.from(document.querySelectorAll(".plot .letter"), (t) => t.textContent).join(""),
  legend: document.querySelector(".plot table").innerText,
};
const arrow = new KeyboardEvent("keydown", { key: "ArrowRight" });
document.querySelector(".plot svg").dispatchEvent(arrow);
seen.afterArrow = document.querySelector(".plot caption").textContent;
seen.cutOff = [];
for (let site = 1; site <= 69; site++) {
  const residues = "M".repeat(site < 30 ? 30 : site + 1);
  const short = { ...records[0], residues, site, certainty: 0.61, regions: [], motifs: [] };
  const plot = buildPlot(short, vocabulary);
  document.body.append(plot);
  const width = plot.firstChild.viewBox.baseVal.width;
  for (const text of plot.querySelectorAll("svg[role] text")) {
    const box = text.getBBox();
    if (box.x < 0 || box.x + box.width > width) seen.cutOff.push(text.textContent);
  }
  plot.remove();
}
press("td.name button");
seen.isClosed = document.querySelector(".plot") === null;
press("[data-key=probability]");
seen.byProbability = names();
press("[data-key=site]");
seen.bySite = names();
press("[data-key=site]");
seen.bySiteDescending = names();
press("#next");
seen.second = byId("page").textContent;
type("NEEDLE words");
seen.found = names();
type("");
press(".counts input[value=NO_SP]");
seen.withoutNoSp = byId("status").textContent;
const result = document.createElement("pre");
result.id = "result";
result.textContent = btoa(String.fromCharCode(...new TextEncoder().encode(JSON.stringify(seen))));
document.body.append(result);
"""


def drive(browser, page, folder):
    """What the driver saw of a page."""
    digest = base64.b64encode(hashlib.sha256(DRIVER.encode()).digest()).decode()
    text = page.read_text(encoding="utf-8").replace(
        "script-src &#39;", f"script-src &#39;sha256-{digest}&#39; &#39;", 1
    )
    copy = folder / "driven.html"
    copy.write_text(text.replace("</body>", f"<script>{DRIVER}</script></body>"), encoding="utf-8")
    done = subprocess.run(
        [
            *(browser, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"),
            *(f"--user-data-dir={folder / 'profile'}", copy.as_uri()),
        ],
        check=True,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
    )
    found = re.search(r'<pre id="result">([^<]*)</pre>', done.stdout)
    assert found, done.stderr[-2000:]
    return json.loads(base64.b64decode(found[1]))


@pytest.mark.slow
def test_page_works_in_a_browser(tmp_path, make_prediction, make_facts, hostile):
    found = [make_prediction(f"p{n} of type", SP_TYPES[n % 6]) for n in range(150)]
    found += [make_prediction(header) for header in hostile]
    found += [make_prediction("needle,1 with words", "TAT", 70)]
    found[1] = replace(found[1], cleavage_site_probability=0.25)
    HTML.write(lambda: iter(found), tmp_path, make_facts(len(found)))
    seen = drive(find_browser(), tmp_path / "report.html", tmp_path)
    assert seen["title"] == "Predicted signal peptides"
    assert seen["images"] == 0
    assert seen["unsure"] == 1
    assert seen["start"] == [prediction.identifier for prediction in found[:100]]
    assert seen["status"] == "1 to 100 of 155 listed"
    rows = list(csv.reader(io.StringIO(seen["csv"])))
    assert rows == [list(COLUMNS), *map(table_row, found)]
    check_plot(seen, found[0])
    check_order(seen, found)
    assert seen["found"] == ["needle,1"]
    assert seen["second"] == "page 2 of 2"
    peptides = [prediction.identifier for prediction in found if prediction.sp_type != "NO_SP"]
    assert seen["first"] == peptides[:100]
    assert (
        seen["firstStatus"]
        == seen["withoutNoSp"]
        == (
            f"1 to 100 of {len(peptides)} listed; "
            f"{155 - len(peptides)} more are of types without a tick above"
        )
    )


def check_plot(seen, prediction):
    assert seen["plot"]["lines"] == 8
    assert seen["plot"]["letters"] == prediction.residues[:70]
    assert "outside\t0.93" in seen["plot"]["legend"]
    assert seen["afterArrow"] == f"residue 2, {prediction.residues[1]}"
    assert seen["isClosed"]
    assert seen["cutOff"] == []


def check_order(seen, found):
    numbered = list(enumerate(found))
    by_probability = sorted(numbered, key=lambda pair: (-pair[1].probability, pair[0]))
    assert (
        seen["byProbability"] == [prediction.identifier for _, prediction in by_probability][:100]
    )
    for key, sign in (("bySite", 1), ("bySiteDescending", -1)):
        order = sorted(
            numbered,
            key=lambda pair: (
                pair[1].cleavage_site is None,
                sign * (pair[1].cleavage_site or 0),
                pair[0],
            ),
        )
        assert seen[key] == [prediction.identifier for _, prediction in order][:100]
