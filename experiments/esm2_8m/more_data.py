"""More labelled proteins for a model that trains on every partition, as a 3-line file.

python experiments/esm2_8m/more_data.py DIR -o more.fasta              # all of them
python experiments/esm2_8m/more_data.py DIR --keep-back 0.5 -o more.fasta --kept kept.fasta

DIR holds signalp6_remainder.fasta, records that homology reduction left out of the SignalP 6.0 set;
eukarya_uniprot_2024.tsv, UniProt proteins with a known type and site; and
haloarchaea_tatlipo_candidates.faa, candidates for Tat lipoproteins.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from peftsp.data.labelled import read_labelled, write_labelled
from peftsp.errors import RecordError
from peftsp.labels import MAX_RESIDUES, UNKNOWN_TOPOLOGY
from peftsp.records import LabelledRecord

_TAT_LIPOBOX = re.compile(r"RR.{8,35}?[AILMVFTSG][ASTVILMG][AGSN](?=C)")
_NO_PARTITION = 0


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument(
        "--keep-back",
        type=float,
        default=0.0,
        metavar="SHARE",
        help="leave out this share of the UniProt proteins, by a hash of their accessions, in all "
        "three files",
    )
    parser.add_argument("--kept", type=Path, metavar="FILE", help="those left out, to test on")
    options = parser.parse_args()
    uniprot = list(read_uniprot(options.folder / "eukarya_uniprot_2024.tsv"))
    kept_back = {r.residues for r in uniprot if is_kept_back(r, options.keep_back)}
    records = [
        *read_usable(options.folder / "signalp6_remainder.fasta"),
        *uniprot,
        *read_candidates(options.folder / "haloarchaea_tatlipo_candidates.faa"),
    ]
    # One protein may stand in several files.
    records = [record for record in records if record.residues not in kept_back]
    write_labelled(records, options.output)
    read_labelled(options.output)
    if options.kept:
        write_labelled([r for r in uniprot if r.residues in kept_back], options.kept)
    for (kingdom, sp_type), count in sorted(
        Counter((r.kingdom, r.sp_type) for r in records).items()
    ):
        print(f"{kingdom:9} {sp_type:8} {count:6,}")


def read_usable(path: Path) -> Iterator[LabelledRecord]:
    """Records of a 3-line file without those whose labels contradict themselves."""
    lines = path.read_text().splitlines()
    for start in range(0, len(lines), 3):
        triple = "\n".join(lines[start : start + 3])
        try:
            yield from read_labelled(io.StringIO(triple), path.name)
        except RecordError as error:
            print(f"left out: record {start // 3 + 1}: {error}")


def read_uniprot(path: Path) -> Iterator[LabelledRecord]:
    """Proteins that the SignalP 6.0 set does not have; where they cross membranes is unknown."""
    with path.open(newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            residues = row["sequence_70"][:MAX_RESIDUES]
            site = int(row["cleavage_site"] or 0)
            if row["in_signalp6_train_set"] == "1" or site >= len(residues):
                continue
            annotation = "S" * site + UNKNOWN_TOPOLOGY * (len(residues) - site)
            yield LabelledRecord(
                row["accession"], "EUKARYA", row["sp_type"], _NO_PARTITION, residues, annotation
            )


def is_kept_back(record: LabelledRecord, share: float) -> bool:
    """Whether a protein is left out of training, the same ones on every machine."""
    digest = hashlib.sha256(record.accession.encode()).digest()
    return int.from_bytes(digest[:4]) < share * 2**32


def read_candidates(path: Path) -> Iterator[LabelledRecord]:
    """Proteins in which a single lipobox follows a twin arginine; it is taken for their site."""
    lines = path.read_text().splitlines()
    for header, residues in zip(lines[::2], lines[1::2], strict=True):
        residues = residues[:MAX_RESIDUES]
        sites = {match.end() for match in _TAT_LIPOBOX.finditer(residues)}
        if len(sites) == 1 and (site := sites.pop()) + 2 < len(residues):
            annotation = "T" * site + UNKNOWN_TOPOLOGY * (len(residues) - site)
            accession = header[1:].split("|")[0]
            yield LabelledRecord(
                accession, "ARCHAEA", "TATLIPO", _NO_PARTITION, residues, annotation
            )


if __name__ == "__main__":
    main()
