"""How verdicts read, the same in console, pytest, JUnit and Markdown; drawn from `audit.json` alone."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from audit.grammar.gate_metrics import METRICS
from audit.modality import Words, words_of
from audit.report import address
from audit.report.numbers import count, short
from audit.suite import SMALLEST

Document = Mapping[str, Any]
Row = Mapping[str, Any]


def plain(text: object) -> str:
    """Return text on one line in which nothing can steer a terminal: control and direction marks as escapes."""
    return "".join(
        c if c.isprintable() or c == " " else c.encode("unicode_escape", "surrogatepass").decode() for c in str(text)
    )


def title(row: Row, document: Document) -> str:
    """Return what was judged: `recall at sigma 0.05, sadness`, with the check where several sweep the same thing."""
    words = [str(row["metric"]).replace("_", " ")]
    words += [f"across {row['across']}"] if row.get("across") else []
    if row["kind"] == "data":
        words.append(f"by {row['of']}")
    elif row["kind"] == "cost":
        words += [f"in {unit}"] if (unit := unit_of(row["metric"])) else []
        words += [f"of {row['check']}"] if row["check"] != row["kind"] else []
    elif row["of"] is not None:
        words.append(f"of {row['of']}{_about_maps(row)}")
    elif row["kind"] == "clean":
        words.insert(0, "clean")
    elif row["at"] is None:
        words.append(f"of {row['check']}")
    if row["at"] is not None:
        parameter = sweep_parameter(document, row["check"])
        if row["kind"] != "clean":
            words.append(f"at {parameter} {row['at']:g}")
        if sum(sweep_parameter(document, other) == parameter for other in _checks(document)) > 1:
            words.append(f"of {row['check']}")
    words += [f"without {', '.join(row['without'])}"] if row.get("without") else []
    subject = row["emotion"] if row["emotion"] is not None else row["group"]
    return plain(" ".join(words) + (f", {subject}" if subject is not None else ""))


def unit_of(metric: str) -> str:
    """Return the unit of a metric, empty where it has none."""
    return METRICS[metric].unit if metric in METRICS else ""


def _about_maps(row: Row) -> str:
    """Return ` by deletion`, ` in region tone` or ` after seed stability`: what a gate on maps asks in particular."""
    # Older audits have none of these keys.
    asked = (("by", "by {}"), ("region", "in region {}"), ("after", "after {}"))
    told = [says.format(spaced(row[key]) if key != "region" else row[key]) for key, says in asked if row.get(key)]
    return "".join(f" {each}" for each in told)


def spaced(name: str) -> str:
    """Return a name as words: `seed stability`."""
    return name.replace("_", " ")


def finding(row: Row, document: Document) -> str:
    """Return value, interval, n and limit: `0.56 (95% CI 0.48-0.64, n=86), limit at least 0.70`."""
    if row["value"] is None and row["interval"] is None:
        return f"not judged, {limit(row)}"
    low, high = row["interval"] or (None, None)
    places = _places(row)
    value = "beyond what was tested" if row["value"] is None else f"{row['value']:,.{places}f}"
    share = f"{100 * float(document['decide']['confidence']):g}% CI"
    if row["interval"] is None:
        interval = "no interval"
    elif low is not None and low == high:
        interval = "exact"
    elif low is None:
        interval = f"{share} beyond what was tested"
    elif high is None:
        interval = f"{share} from {low:,.{places}f} to beyond what was tested"
    else:
        # A hyphen before a negative end would read as a minus.
        between = "-" if low >= 0 else " to "
        interval = f"{share} {low:,.{places}f}{between}{high:,.{places}f}"
    column = document["decide"]["cluster"] or "cluster"
    clusters = "" if row["clusters"] is None else f" of {row['clusters']} {column}{'s' * (row['clusters'] != 1)}"
    return f"{value} ({interval}, n={row['n']}{clusters}), {limit(row)}"


def limit(row: Row) -> str:
    """Return `limit at least 0.70`, `limit at most 0.10` or `limit 0.10 to 0.70`."""
    least, most = row["limit"]["min"], row["limit"]["max"]
    if least is not None and most is not None:
        return f"limit {_limit(least)} to {_limit(most)}"
    return f"limit at least {_limit(least)}" if least is not None else f"limit at most {_limit(most)}"


def counts(document: Document) -> str:
    """Return `1 fail, 1 unsure, 17 pass`, errors first where there are any, and what decides nothing last."""
    found = dict.fromkeys(("ERROR", "FAIL", "UNSURE", "PASS"), 0)
    for row in _rows(document):
        if not (row["informational"] or _waived(row)):
            found[row["outcome"]] += 1
    errors = f"{found['ERROR']} error, " if found["ERROR"] else ""
    more = {
        "left out": _left_out_gates(document),
        "waived": sum(map(_waived, _rows(document))),
        "toothless": sum(bool(row["toothless"]) and not row["informational"] for row in _rows(document)),
        "informational": sum(bool(row["informational"]) for row in _rows(document)),
    }
    told = "".join(f", {n} {word}" for word, n in more.items() if n)
    return f"{errors}{found['FAIL']} fail, {found['UNSURE']} unsure, {found['PASS']} pass{told}"


def _waived(row: Row) -> bool:
    return bool(row["waive"]) and row["outcome"] != "PASS" and not row["blocks"] and not row["informational"]


def _rows(document: Document) -> Sequence[Row]:
    rows: Sequence[Row] = document["verdicts"]
    return rows


def told(found: Row) -> str:
    """Return a finding on one line; of a shortcut, what was seen and not what to do."""
    if found["finding"] != "shortcut":
        return plain(found["told"])
    of = "" if found["emotion"] is None else f" of {found['emotion']}"
    return plain(
        f"{found['method']} finds a shortcut: {found['share']:.0%} of its relevance{of} lies in region "
        f"{found['region']!r}, by chance {found['chance']:.0%}"
    )


def left_out(row: Row) -> str:
    """Return what was left out, why, and how much was not judged: a row of `left_out` in a sentence."""
    what = row["method"] if row["method"] == row["check"] else f"{row['method']} of {row['check']}"
    gates = "no gate asked" if not row["gates"] else f"{count(len(row['gates']), 'gate')} not judged"
    return plain(f"{what} was left out, as the suite says, {gates}: {row['reason']}")


def scope(document: Document) -> list[str]:
    """Return what of the model and the data is not judged, because the suite names its emotions or undersamples."""
    data, told = document["data"], []
    source = document["suite"]["resolved"].get("data", {})
    named = source.get("emotions") or ()
    whys = {"left_out": "of emotions the suite does not judge left out"}
    most = source.get("undersample")
    to = "the rarest emotion" if most == SMALLEST else f"{most} of each emotion"
    whys["undersampled"] = f"left out by undersampling to {to}, as the suite says"
    for key, why in whys.items():
        if data.get(key):
            each = ", ".join(f"{n} {emotion}" for emotion, n in data[key].items())
            told.append(plain(f"{count(sum(data[key].values()), words(document).noun)} {why}: {each}"))
    unjudged = [emotion for emotion in document["model"]["emotions"] if named and emotion not in named]
    if unjudged:
        told.append(plain(f"emotions of the model that the suite does not judge: {', '.join(unjudged)}"))
    return told


def decision(document: Document) -> str:
    """Return `GATE PASSED`, `GATE FAILED` or `GATE NOT JUDGED`."""
    return {0: "GATE PASSED", 1: "GATE FAILED"}.get(document["exit_code"], "GATE NOT JUDGED")


def sentence(document: Document) -> str:
    """Return the decision in one sentence: `FAIL: 3 of 48 gates; worst: recall at sigma 0.05, sadness`."""
    rows = document["verdicts"]
    if not rows:
        left = _left_out_gates(document)
        return "NOT JUDGED: every gate was left out" if left else "NOT JUDGED: the suite asked for no gate"
    for word, outcome in (("FAIL", "FAIL"), ("NOT JUDGED", "ERROR"), ("UNSURE", "UNSURE")):
        found = [row for row in rows if row["outcome"] == outcome and row["blocks"]]
        if found:
            worst = max(found, key=excess)
            which = "" if len(found) == 1 else "; the first" if outcome == "ERROR" else "; worst"
            return f"{word}: {len(found)} of {len(rows)} gates{which}: {title(worst, document)}"
    lenient = [row for row in rows if row["outcome"] != "PASS"]
    waived = sum(map(_waived, lenient))
    shown = sum(bool(row["informational"]) for row in lenient)
    unsure = len(lenient) - waived - shown
    note = f"; {unsure} unsure, which does not block here" if unsure else ""
    note += f"; {waived} waived" if waived else ""
    note += f"; {shown} informational" if shown else ""
    note += f"; {skipped} left out" if (skipped := _left_out_gates(document)) else ""
    return f"PASS: {len(rows) - len(lenient)} of {len(rows)} gates{note}"


def _left_out_gates(document: Document) -> int:
    return sum(len(row["gates"]) for row in document.get("left_out", ()))


def excess(row: Row) -> float:
    """Return how far a value lies beyond its limit, as a share of the limit; negative inside, 0 where unknown."""
    value, least, most = row["value"], row["limit"]["min"], row["limit"]["max"]
    if value is None:
        return 0.0
    gaps = [(bound, sign * (bound - value)) for bound, sign in ((least, 1), (most, -1)) if bound is not None]
    return float(max(gap / (abs(bound) or 1.0) for bound, gap in gaps))


def words(document: Document) -> Words:
    """Return what the audit's recordings are called."""
    return words_of(document["model"]["input"]["modality"])


def size(given: Row) -> str:
    """Return how large a recording is, of `model.input`: `3 s at 16000 Hz`, `48 × 48 pixels, grey`, or both."""
    if given["modality"] == "face":
        return f"{given['height']} × {given['width']} pixels, {given['colour']}"
    told = [f"{short(given['seconds'])} s at {short(given['sampling_rate'])} Hz"] if "seconds" in given else []
    if "frames" in given:
        told.append(f"{given['frames']} frames of {given['height']} × {given['width']} pixels, grey")
    return " and ".join(told)


def header(model: Row, data: Row, cluster: str | None) -> str:
    """Return what is judged on what: `Model nemo-resnet18 sha256:9f2c…   Data 501 clips, 6 emotions, 9 speakers`.

    `model` and `data` are those parts of `audit.json`; the values of `cluster` are counted, or else the speakers.
    """
    noun = words_of(model["input"]["modality"]).noun
    emotions = sum(1 for n in data["emotions"].values() if n)
    parts = [f"{data['n']} {noun}{'s' * (data['n'] != 1)}", f"{emotions} emotion{'s' * (emotions != 1)}"]
    column = cluster or "speaker"
    if column in data["groups"]:
        parts.append(f"{len(data['groups'][column])} {column}s")
    return plain(f"Model {model['name']} sha256:{str(model['sha256'])[:8]}…   Data {', '.join(parts)}")


def page(row: Row, document: Document) -> str:
    """Return the report's page on a verdict, relative to the report's folder."""
    if row["emotion"] is None:
        return f"index.html#{address.anchor(row['check'])}" if row["kind"] == "cost" else "index.html"
    return f"{address.pages(address.emotions_of(document))[row['emotion']]}#{address.anchor(row['check'])}"


def near(path: Path) -> str:
    """Return a path as short as it can be: relative where it lies under the current directory."""
    full = path.absolute()
    return str(full.relative_to(Path.cwd())) if full.is_relative_to(Path.cwd()) else str(full)


def place(row: Row) -> str:
    """Return where the gate is written, `suites/x.audit.yaml:33`, relative to here if it lies below."""
    return placed(str(row["place"]))


def placed(written: str) -> str:
    """Return `path:line` with the path relative to here if it lies below."""
    path, colon, line = written.rpartition(":")
    return plain(f"{near(Path(path))}{colon}{line}") if path else ""


def few(names: Sequence[str]) -> str:
    """Return the first names, and how many more there are."""
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return plain(", ".join(names[:3]) + more)


def sweep_parameter(document: Document, check: str) -> str:
    """Return the name of what a check sweeps (sigma, epsilon, snr_db), or `severity` where the suite does not say."""
    sweep = _checks(document).get(check, {}).get("sweep") or {}
    return next(iter(sweep), "severity")


def _checks(document: Document) -> dict[str, Mapping[str, Any]]:
    """Return the swept checks of the resolved suite by their id."""
    found = document["suite"]["resolved"].get("checks", ())
    rows = found.values() if isinstance(found, Mapping) else found
    return {str(row.get("id")): row for row in rows if row.get("sweep")}


def _limit(value: float) -> str:
    text = f"{value:,.10g}"
    whole, dot, decimals = text.partition(".")
    return f"{whole}.{decimals.ljust(2, '0')}" if dot else text


def _places(row: Row) -> int:
    """Return the decimals that show two figures, two of a share, none of thousands, and never round onto a limit."""
    shown = [x for x in (row["value"], *(row["interval"] or ())) if x is not None]
    limits = [x for x in (row["limit"]["min"], row["limit"]["max"]) if x is not None]
    # What is far smaller than its limit needs no more figures than show that.
    largest = max([*(abs(x) for x in shown), *(abs(x) / 10 for x in limits)], default=0.0)
    least = 2 if largest <= 1 else 1 if largest < 1000 else 0
    places = min(max(1 - math.floor(math.log10(largest)), least), 8) if largest > 0 else least
    for more in range(places, 9):
        if all(x == bound or round(x, more) != round(bound, more) for x in shown for bound in limits):
            return more
    return 8
