"""The tables of every source system, published figures beside measured ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from statistics import mean
from typing import Any

from audited import Audited, Figure, audit_of
from cells import bare, markdown, shown

Audits = Mapping[tuple[str, str], Audited]
System = Mapping[str, Any]
METHODS = ("lrp", "gradcam", "lime", "smoothgrad", "random")
HEAD = """\
# Published and measured

Figures of the studies these models were built after, beside what our audits measured, in brackets with 95 % intervals,
clustered by speaker where there are any. Drawn by `python models/table.py` from what it keeps of audits in `audits/`.
"""


def page(systems: Mapping[str, System], audits: Audits) -> str:
    """Return the whole page: one section per system."""
    drawn = [HEAD]
    for letter, system in systems.items():
        drawn.append(f"\n## {system['title']}\n\n{system['data']}.\n")
        for title, table in SECTIONS[letter](system, audits):
            drawn.append(f"\n{title}\n\n{table}")
    return "".join(drawn)


def speech_study(system: System, audits: Audits) -> Iterator[tuple[str, str]]:
    """Yield the model comparison, the representations, the FGSM curve, and the saliency methods."""
    yield "Models, on the recordings none of them was trained on:", comparison(system, audits)
    if system["representations"]:
        yield (
            "One ResNet-18 of equal width per representation, trained alike, clean and at a signal-to-noise ratio:",
            representations(system, audits),
        )
    main = audits.get((system["judged"]["model"], system["judged"]["suite"]))
    if main:
        yield f"FGSM on the mel-spectrogram of `{main.model}`:", fgsm(system, main)
        yield (
            "Vulnerability by emotion: recall under FGSM, and the epsilon at which it falls under one half:",
            vulnerability(main),
        )
        yield "Probability lost when the most salient fifth is masked, by method:", drops(system, main)
        yield "The same by emotion, and the method that loses most:", drops_by_emotion(main)
    for name, audit in _audited(system, audits):
        if name == system.get("ensemble"):
            yield "F1 of the ensemble by emotion:", by_emotion(system, audit)


def faces_study(system: System, audits: Audits) -> Iterator[tuple[str, str]]:
    """Yield metrics, costs, accuracy and F1 under noise, and the groups of emotions."""
    yield "Metrics on the challenge's test parts:", comparison(system, audits)
    yield "Cost of one picture, on the machine of the audit:", costs(system, audits)
    for metric, name in (("accuracy", "Accuracy"), ("macro_f1", "Macro F1")):
        yield f"{name} under Gaussian noise of a standard deviation:", noise(system, audits, metric)
    yield "Simple emotions (happy, sad, surprise) and complex ones (the others):", grouped(system, audits)


def compared(system: System, audits: Audits) -> Iterator[tuple[str, str]]:
    """Yield the comparison of models, and the confusions of every one that was audited."""
    yield "Models:", comparison(system, audits)
    for name, audit in _audited(system, audits):
        if audit.document["confusion"]:
            yield f"Confusions of `{name}`, each row the shares of one emotion:", confusion(audit)


def noisy(system: System, audits: Audits) -> Iterator[tuple[str, str]]:
    """Yield the comparison of models, and their accuracy under white noise."""
    yield "Models:", comparison(system, audits)
    yield "Accuracy under white noise at a signal-to-noise ratio:", sweep(_audited(system, audits))


SECTIONS: Mapping[str, Callable[[System, Audits], Iterator[tuple[str, str]]]] = {
    "A": speech_study,
    "B": faces_study,
    "C": compared,
    "D": noisy,
    "E": noisy,
}


QUALITIES = {"accuracy": "accuracy", "f1": "macro_f1", "precision": "precision", "recall": "uar"}
"""What is compared, by the name it is published under; precision is the mean of the emotions' own, recall that too."""


def comparison(system: System, audits: Audits) -> str:
    """Return accuracy, macro F1, precision and recall of every model, beside what of them was published."""
    models = system["models"]
    published = {quality for told in models.values() for quality in told.get("published", {})}
    header, rows = ["model"], [[f"`{name}`"] for name in models]
    for quality, metric in QUALITIES.items():
        if quality in published:
            header.append(f"{quality}, published")
            for row, told in zip(rows, models.values(), strict=True):
                row.append(shown(told.get("published", {}).get(quality)))
        header.append(quality)
        for row, (name, told) in zip(rows, models.items(), strict=True):
            row.append(_quality(audit_of(name, told, audits), metric))
    return markdown(header, rows)


def _quality(audit: Audited | None, metric: str) -> str:
    if audit is None:
        return "not audited" if metric == "accuracy" else ""
    if metric == "precision":
        return shown(mean(figure.value for _, figure in audit.figures(metric, emotion=...)))
    return (shown if metric == "accuracy" else bare)(audit.figure(metric))


def representations(system: System, audits: Audits) -> str:
    """Return clean accuracy per representation, and accuracy under noise, best first."""
    compared = [(n, a) for n, a in _audited(system, audits) if n in system["representations"]]
    compared.sort(key=lambda pair: -_value(pair[1].figure("accuracy")))
    published = {name: [shown(system["models"][name].get("published", {}).get("accuracy"))] for name, _ in compared}
    return sweep(compared, published, ("published",))


def sweep(
    compared: Iterator[tuple[str, Audited]] | Sequence[tuple[str, Audited]],
    more: Mapping[str, Sequence[str]] | None = None,
    columns: Sequence[str] = (),
) -> str:
    """Return clean accuracy and accuracy at every signal-to-noise ratio, a row per model."""
    audits = list(compared)
    levels = sorted({row["at"] for _, a in audits for row, _ in _noise(a)}, reverse=True)
    rows = []
    for name, audit in audits:
        at = {row["at"]: figure for row, figure in _noise(audit)}
        rows.append(
            (
                f"`{name}`",
                *(more or {}).get(name, ()),
                shown(audit.figure("accuracy")),
                *(bare(at.get(x)) for x in levels),
            )
        )
    return markdown(("model", *columns, "clean", *(f"{level:g} dB" for level in levels)), rows)


def _noise(audit: Audited) -> list[tuple[Mapping[str, Any], Figure]]:
    return audit.figures("accuracy", kind="corruption", check="white_noise")


def fgsm(system: System, audit: Audited) -> str:
    """Return accuracy per epsilon and the critical epsilon."""
    published = {float(at): value for at, value in system["fgsm"].items()}
    curve = {
        row["at"]: figure for row, figure in audit.figures("accuracy", kind="attack", check="attacks", method="fgsm")
    }
    rows = [(f"{at:g}", shown(published.get(at)), shown(figure)) for at, figure in sorted(curve.items())]
    critical = audit.figure("critical_epsilon", kind="attack", check="attacks", method="fgsm")
    rows.append(("critical: accuracy under one half", shown(system.get("critical")), _epsilon(critical)))
    return markdown(("epsilon", "published", "measured"), rows)


def vulnerability(audit: Audited) -> str:
    """Return recall per emotion and epsilon, the most vulnerable first."""
    wanted = {"kind": "attack", "check": "attacks", "method": "fgsm", "emotion": ...}
    recall = {(row["emotion"], row["at"]): f for row, f in audit.figures("recall", **wanted)}
    critical = {row["emotion"]: f for row, f in audit.figures("critical_epsilon", **wanted)}
    levels = sorted({at for _, at in recall})
    emotions = sorted(critical, key=lambda emotion: critical[emotion].value)
    rows = [(e, *(bare(recall.get((e, at))) for at in levels), _epsilon(critical[e])) for e in emotions]
    return markdown(("emotion", *(f"{at:g}" for at in levels), "critical epsilon"), rows)


def drops(system: System, audit: Audited) -> str:
    """Return the probability drop per saliency method and fill, published beside."""
    fills = sorted({row["measure"] for row, _ in _faithful(audit)}, key=lambda fill: (not fill.endswith("mean"), fill))
    found = {(row["method"], row["measure"]): figure for row, figure in _faithful(audit)}
    published = system["probability_drop"]
    return markdown(
        ("method", "published", *fills),
        ((m, shown(published.get(m)), *(shown(found.get((m, fill))) for fill in fills)) for m in METHODS),
    )


def drops_by_emotion(audit: Audited) -> str:
    """Return the probability drop per emotion and method, filled with the mean, and which method loses most."""
    found = {(r["emotion"], r["method"]): f for r, f in _faithful(audit, emotion=...) if r["measure"].endswith("mean")}
    rows = []
    for emotion in audit.document["model"]["emotions"]:
        values = {m: found[emotion, m] for m in METHODS if (emotion, m) in found}
        best = max((m for m in values if m != "random"), key=lambda m: values[m].value)
        rows.append((emotion, *(bare(values.get(m)) for m in METHODS), best))
    return markdown(("emotion", *METHODS, "best"), rows)


def _faithful(audit: Audited, **wanted: Any) -> list[tuple[Mapping[str, Any], Figure]]:
    rows = audit.figures("faithfulness", kind="saliency", **wanted)
    return [(row, f) for row, f in rows if row["measure"].partition("/")[0] in ("probability_drop", "mean")]


def by_emotion(system: System, audit: Audited) -> str:
    """Return F1, precision and recall per emotion, published F1 beside."""
    published = system["ensemble_f1"]
    figures = {
        m: {row["emotion"]: f for row, f in audit.figures(m, emotion=...)} for m in ("f1", "precision", "recall")
    }
    emotions = sorted(figures["f1"], key=lambda emotion: -figures["f1"][emotion].value)
    rows = [(e, shown(published.get(e)), *(shown(figures[m][e]) for m in figures)) for e in emotions]
    return markdown(("emotion", "F1, published", *figures), rows)


def costs(system: System, audits: Audits) -> str:
    """Return latency, throughput, parameters and size of every model."""
    rows = []
    for name, audit in _audited(system, audits):
        published = system["models"][name].get("published", {})
        found = {m: audit.figure(m, kind="cost") for m in ("latency", "throughput", "parameters", "size")}
        rows.append(
            (
                f"`{name}`",
                f"{published['milliseconds']:g}",
                *(f"{f.value:.4g}" if f else "" for f in (found["latency"], found["throughput"])),
                f"{published['parameters']:,}",
                f"{found['parameters'].value:,.0f}" if found["parameters"] else "",
                f"{found['size'].value:.2f}" if found["size"] else "",
            )
        )
    header = (
        "model",
        "ms, published",
        "ms at batch 1, median",
        "pictures a second",
        "parameters, published",
        "parameters",
        "MB",
    )
    return markdown(header, rows)


def noise(system: System, audits: Audits, metric: str) -> str:
    """Return a metric at every noise level, published and measured, a row each per model."""
    published, key = system["noise"], {"accuracy": "accuracy", "macro_f1": "f1"}[metric]
    levels, rows = published["level"], []
    for name, audit in _audited(system, audits):
        at = {row["at"]: f for row, f in audit.figures(metric, kind="corruption", check="gaussian_noise")}
        rows.append((f"`{name}`, published", "", *(shown(value) for value in published[name][key])))
        rows.append((f"`{name}`", bare(audit.figure(metric)), *(bare(at.get(level)) for level in levels)))
    return markdown(("model", "clean", *(f"{level:g}" for level in levels)), rows)


def grouped(system: System, audits: Audits) -> str:
    """Return accuracy and F1 of the simple and the complex emotions; F1 is the mean of the emotions' own."""
    rows = []
    for name, audit in _audited(system, audits):
        f1 = {row["emotion"]: f.value for row, f in audit.figures("f1", emotion=...)}
        for group, told in system["groups"].items():
            published = told[name]
            rows.append(
                (
                    f"`{name}`",
                    group,
                    shown(published["accuracy"]),
                    shown(audit.figure("accuracy", group=group)),
                    shown(published["f1"]),
                    shown(mean(f1[emotion] for emotion in told["emotions"])),
                )
            )
    return markdown(("model", "emotions", "accuracy, published", "accuracy", "F1, published", "F1"), rows)


def confusion(audit: Audited) -> str:
    """Return the shares that each emotion was called, a row per emotion, and their mean on the diagonal."""
    emotions, counts = audit.document["model"]["emotions"], audit.document["confusion"]
    rows = [
        (emotion, *(shown(count / max(1, sum(row))) for count in row), str(sum(row)))
        for emotion, row in zip(emotions, counts, strict=True)
    ]
    return markdown(("shown \\ called", *emotions, "n"), rows)


def _audited(system: System, audits: Audits) -> list[tuple[str, Audited]]:
    pairs = ((name, audit_of(name, told, audits)) for name, told in system["models"].items())
    return [(name, audit) for name, audit in pairs if audit is not None]


def _value(figure: Figure | None) -> float:
    return figure.value if figure else 0.0


def _epsilon(figure: Figure | None) -> str:
    if figure is None:
        return ""
    ends = (
        f" ({figure.interval[0]:.2g}-{figure.interval[1]:.2g})"
        if figure.interval and None not in figure.interval
        else ""
    )
    return f"{figure.value:.2g}{ends}"
