"""The JSON file against text written by hand and the json module."""

import json
from dataclasses import replace

import pytest

from peftsp.inference.formats.signalp6.plots import Request
from peftsp.inference.formats.signalp6.summary import closing, member, opening
from peftsp.labels import SP_TYPES

EUKARYA = """\
{
  "INFO": {
    "failedjobs": 0,
    "size": 2
  },
  "CSV_FILE": "out/prediction_results.txt",
  "MATURE_FILE": "out/processed_entries.fasta",
  "GFF_FILE": "out/output.gff3",
  "ZIP_FILE": "",
  "SEQUENCES": {
    "sp|P1|X_Y first one": {
      "Name": "sp|P1|X_Y first one",
      "Plot_eps": "out/output_plot0_plot.eps",
      "Plot_png": "out/output_plot0_plot.png",
      "Plot_txt": "out/output_plot0_plot.txt",
      "Prediction": "Other",
      "Likelihood": [
        0.75,
        0.25
      ],
      "Protein_types": [
        "Other",
        "Signal Peptide (Sec/SPI)"
      ],
      "CS_pos": ""
    },
    "P2": {
      "Name": "P2",
      "Plot_eps": "out/output_plot1_plot.eps",
      "Plot_png": "out/output_plot1_plot.png",
      "Plot_txt": "out/output_plot1_plot.txt",
      "Prediction": "Signal Peptide (Sec/SPI)",
      "Likelihood": [
        0.1,
        0.9
      ],
      "Protein_types": [
        "Other",
        "Signal Peptide (Sec/SPI)"
      ],
      "CS_pos": "Cleavage site between pos. 20 and 21. Probability 0.988927"
    }
  },
  "FORMAT": "all",
  "ORG": "eukarya",
  "MODE": "slow",
  "REGION_GFF_FILE": "out/region_output.gff3"
}"""
TITLES = {
    "NO_SP": "Other",
    "SP": "Signal Peptide (Sec/SPI)",
    "LIPO": "Lipoprotein signal peptide (Sec/SPII)",
    "TAT": "TAT signal peptide (Tat/SPI)",
    "TATLIPO": "TAT Lipoprotein signal peptide (Tat/SPII)",
    "PILIN": "Pilin-like signal peptide (Sec/SPIII)",
}


def document(predictions, facts, request):
    members = (
        member(found, facts, request, f"plot{index}", is_first=index == 0)
        for index, found in enumerate(predictions)
    )
    return opening(facts) + "".join(members) + closing(facts, request)


def test_document_of_eukaryotes(predictions, facts):
    text = document(predictions[:2], facts("eukarya", 2), Request("all", "slow"))
    assert text == EUKARYA


def test_document_of_every_type(predictions, facts):
    text = document(predictions, facts(), Request())
    found = json.loads(text)
    assert json.dumps(found, indent=2) == text
    assert list(found["SEQUENCES"]) == [
        *("sp|P1|X_Y first one", "P2", "P3 lipo", "P4", "P5", "P6", "P7")
    ]
    for prediction, entry in zip(predictions, found["SEQUENCES"].values(), strict=True):
        assert entry["Prediction"] == TITLES[prediction.sp_type]
        assert entry["Protein_types"] == [TITLES[sp_type] for sp_type in SP_TYPES]
        assert entry["Likelihood"] == [round(p, 4) for p in prediction.probabilities]
        assert entry["Plot_txt"] == entry["Plot_png"] == entry["Plot_eps"] == ""
    assert found["FORMAT"] == "none"
    assert found["ORG"] == "other"


def test_only_the_wanted_plots_have_places(predictions, facts):
    found = json.loads(document(predictions[:1], facts(), Request("png")))
    [entry] = found["SEQUENCES"].values()
    assert (entry["Plot_txt"], entry["Plot_png"]) == ("", "out/output_plot0_plot.png")


def test_last_of_equal_headers_is_what_a_parser_gives(predictions, facts):
    twice = [predictions[1], predictions[6], predictions[1]]
    text = document(twice, facts(), Request())
    assert text.count('"Name": "P2"') == 2
    assert list(json.loads(text)["SEQUENCES"]) == ["P2", "P7"]


@pytest.mark.parametrize(("model", "mode"), [("fast", "fast"), ("accurate", "slow")])
def test_mode_that_nobody_named_is_that_of_the_model(facts, model, mode):
    assert f'"MODE": "{mode}"' in closing(replace(facts(), model=model), Request())
