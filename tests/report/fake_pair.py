"""Two finished audits to compare, of models that were never run: B lost an emotion under noise, and its limits rose."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

COST = {
    **{"check": "cost", "kind": "cost", "method": "cost", "measure": "", "metric": "latency", "at": None},
    **{"emotion": None, "group": None, "interval": None, "n": 100},
}


def write(folder: Path, fake: Any, **story: Any) -> tuple[Path, Path]:
    """Write both into `folder`, each a folder of its own."""
    exhibits = {"exhibits": 0, **story}
    a = fake.write(folder / "a", fake.Story(limits="lenient", **exhibits))
    b = fake.write(folder / "b", fake.Story(limits="strict", **exhibits))
    for audit, latency in ((a, 8.0), (b, 2.0)):
        records = pd.read_parquet(audit / "records.parquet")
        records["recording"] = records["sample"]
        if audit == b:
            emotions = list(dict.fromkeys(records["emotion"]))
            lost = (records["check"] == "gaussian_noise") & (records["emotion"] == emotions[0])
            records.loc[lost, "predicted"] = emotions[1]
        records.to_parquet(audit / "records.parquet", index=False)
        document = json.loads((audit / "audit.json").read_text(encoding="utf-8"))
        document["metrics"].append({**COST, "value": latency})
        document["suite"]["resolved"]["checks"].append({"check": "cost", "id": "cost", "timed": 100, "gates": []})
        document["model"]["sha256"] = audit.name * 64
        # One gate that fails from now on, and one that passes.
        for number, outcome in enumerate(("FAIL", "PASS") if audit == b else ("PASS", "FAIL")):
            document["verdicts"][number]["outcome"] = outcome
        (audit / "audit.json").write_text(json.dumps(document), encoding="utf-8")
    return a, b
