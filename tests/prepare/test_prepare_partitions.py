"""Partitions that are kept apart, and what GraphPart says of others."""

import sys
from importlib.metadata import PackageNotFoundError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peftsp.errors import ConfigError, RecordError
from peftsp.prepare.partitions import REMOVED, check_engine, graphpart_partitions, separate


@st.composite
def partitions_and_pairs(draw):
    partition = draw(st.lists(st.integers(REMOVED, 2), min_size=2, max_size=9))
    places = st.integers(0, len(partition) - 1)
    pairs = draw(st.sets(st.tuples(places, places), max_size=20))
    return partition, [(a, b, 0.5) for a, b in pairs if a < b]


@given(partitions_and_pairs())
def test_homologs_that_stay_lie_in_one_partition(given_ones):
    partition, pairs = given_ones
    if set(partition) == {REMOVED}:
        return
    places = separate(partition, pairs)
    assert len(places) == len(partition)
    for first, second, _ in pairs:
        if len(places[first]) == len(places[second]) == 1:
            assert places[first] == places[second]
    for own, parts in zip(partition, places, strict=True):
        assert parts == tuple(sorted(set(parts)))
        assert own in (REMOVED, *parts)


@given(partitions_and_pairs())
def test_who_is_removed_has_homologs_in_each_partition_that_is_named(given_ones):
    partition, pairs = given_ones
    if set(partition) == {REMOVED}:
        return
    places = separate(partition, pairs)
    for place, parts in enumerate(places):
        others = {a + b - place for a, b, _ in pairs if place in (a, b)}
        near = {places[other][0] for other in others if len(places[other]) == 1}
        if len(parts) > 1:
            assert set(parts) == (near | {partition[place]}) - {REMOVED}
        elif near:
            assert near == set(parts)


def test_who_has_most_homologs_elsewhere_goes_first():
    star = [(0, 1, 0.9), (0, 2, 0.9), (0, 3, 0.9)]
    assert separate([1, 0, 0, 0], star) == [(0, 1), (0,), (0,), (0,)]


def test_who_is_near_nothing_goes_where_there_are_fewest():
    assert separate([0, 0, 1, REMOVED], []) == [(0,), (0,), (1,), (1,)]


def test_engine_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setenv("PATH", "")
    check_engine("pyopal")
    with pytest.raises(ConfigError, match="--engine mmseqs2: expected the program mmseqs, found"):
        check_engine("mmseqs2")


@pytest.fixture
def graphpart(tmp_path, monkeypatch):
    """Function of a shell script that stands in for GraphPart, and gives four partitions of it."""

    def partitions(script):
        program = tmp_path / "python"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(program))
        monkeypatch.setattr("peftsp.prepare.partitions.files", lambda _: [])
        return graphpart_partitions(
            ["MK", "ML", "MM", "MN"], ["a", "a", "b", "b"], 2, 0.3, "needle"
        )

    return partitions


def test_clusters_are_read_by_name_and_what_is_missing_is_removed(graphpart):
    table = r"AC,priority,label-val,cluster\np2,0,b,1.0\np0,0,a,0.0\np1,0,a,1.0\n"
    assert graphpart(f"printf '{table}' > graphpart_result.csv") == [0, 1, 1, REMOVED]


def test_graphpart_gets_proteins_with_their_labels_and_a_threshold_below(graphpart, tmp_path):
    script = (
        f"cp proteins.fasta {tmp_path}/asked.fasta; echo $* > {tmp_path}/words\n"
        "echo AC,cluster > graphpart_result.csv"
    )
    assert graphpart(script) == [REMOVED] * 4
    expected = ">p0|label=a\nMK\n>p1|label=a\nML\n>p2|label=b\nMM\n>p3|label=b\nMN\n"
    assert (tmp_path / "asked.fasta").read_text() == expected
    words = (tmp_path / "words").read_text().split()
    assert words[words.index("--partitions") + 1] == "2"
    assert 0.299 < float(words[words.index("--threshold") + 1]) < 0.3


@pytest.mark.parametrize(
    ("script", "said"), [("echo a >&2; echo boom >&2; exit 1", "boom"), ("exit 0", "nothing")]
)
def test_what_graphpart_says_last_is_told(graphpart, script, said):
    with pytest.raises(RecordError, match=f"expected proteins .*, found that .* says '{said}'"):
        graphpart(script)


def test_missing_package_is_named(monkeypatch):
    def missing(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr("peftsp.prepare.partitions.files", missing)
    with pytest.raises(ConfigError, match="expected the package graph-part, found none: pip"):
        graphpart_partitions(["MK", "ML"], ["a", "a"], 2, 0.3, "needle")


def test_fewer_proteins_than_partitions_are_refused():
    with pytest.raises(RecordError, match="partitions: expected 3 proteins or more, found 2"):
        graphpart_partitions(["MK", "ML"], ["a", "a"], 3, 0.3, "needle")
