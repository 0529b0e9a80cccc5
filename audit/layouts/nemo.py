"""nEMO as published: `data.tsv` beside `samples/` (Christop, LREC-COLING 2024)."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from audit.data import Problem, Sample
from audit.errors import DataError
from audit.kinds import layout


@layout()
def nemo(root: Path) -> Iterator[Sample | Problem]:
    """Yield the Polish recordings of nEMO: groups are speaker, sex, age and sentence.

    `root` holds `data.tsv` (file_id, emotion, raw_text, normalized_text, speaker_id, gender, age) and `samples/`.
    Raises DataError where the table or a column is missing.
    """
    table = root / "data.tsv"
    if not table.is_file():
        raise DataError(f"{table}: no such file; layout nemo takes the folder that holds data.tsv and samples/")
    with table.open(encoding="utf-8", newline="") as lines:
        rows = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        missing = {"file_id", "emotion", "normalized_text", "speaker_id", "gender", "age"} - set(rows.fieldnames or ())
        if missing:
            raise DataError(f"{table}:1: no column {', '.join(sorted(missing))} (there are: {rows.fieldnames})")
        for row in rows:
            path = root / "samples" / row["file_id"]
            if not path.is_file():
                yield Problem(str(path), f"no such file ({table.name}:{rows.line_num} names it)")
                continue
            groups = {
                # Stray blanks around speaker ids are a known flaw of the published table.
                "speaker": row["speaker_id"].strip(),
                "sex": row["gender"].strip(),
                "age": row["age"].strip(),
                "sentence": row["normalized_text"].strip(),
            }
            yield Sample(Path(row["file_id"]).stem, path, row["emotion"].strip(), groups)
