"""What a reader of a comparison has to know of its runs."""

import json

from peftsp.report.caveats import find_caveats


def test_missing_folds_unlike_seeds_and_spoilt_tests_are_told(grouped, make_run):
    complete = [make_run("lora", fold) for fold in range(6)]
    partial = [make_run("prompt", 0), make_run("prompt", 0, seed=2), make_run("prompt", 3)]
    spoilt = make_run("full", 1, data={"train_splits": ["train", "test"]})
    lines = find_caveats(grouped(*complete, *partial, spoilt), [spoilt / "old"])
    assert not [line for line in lines if line.startswith("lora")]
    assert "prompt: no run of folds 1, 2, 4, 5" in "\n".join(lines)
    assert "prompt: not every fold was run with as many seeds" in "\n".join(lines)
    assert any(line.startswith("full: trained on the test partition") for line in lines)
    assert lines[-1].endswith("without record: old.")


def test_model_that_has_seen_the_test_before_is_told(grouped, make_run):
    folder = make_run("lora", 3)
    record = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps({**record, "start_has_seen": 7}))
    lines = find_caveats(grouped(folder, make_run("lora", 4)), [])
    [line] = [line for line in lines if "begins from" in line]
    again = find_caveats(grouped(folder, make_run("lora", 3, seed=2)), [])
    assert line in again, "whatever another seed began from"
    assert "chosen on 7 of the proteins that it is tested on in fold 3" in line


def test_comparison_on_one_seed_is_told(grouped, make_run):
    runs = make_run("lora"), make_run("prompt")
    [line] = [line for line in find_caveats(grouped(*runs), []) if "one seed" in line]
    assert line.startswith("Each method was trained with one seed")
    several = find_caveats(grouped(*runs, make_run("prompt", seed=2)), [])
    assert not [line for line in several if "one seed" in line]
