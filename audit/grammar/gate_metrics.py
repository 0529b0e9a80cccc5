"""What a gate can ask: the metrics, which checks have them, what they may be asked per, and the values they take."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

SHARE = (0.0, 1.0)
SIGNED = (-1.0, 1.0)
AT_LEAST_NONE = (0.0, math.inf)
ANY = (-math.inf, math.inf)


@dataclass(frozen=True)
class Metric:
    """What a gate may ask of a metric: the values it can take, what it can be given per, and over which part.

    `keys` are what else it takes of `by`, `region`, `after` and `across`. A `relative` one says how answers
    compare with others and not how good they are: whoever guesses keeps it, so that it counts above a floor of the
    clean answers alone. `unit` is empty for shares, scores and numbers of things.
    """

    about: str
    kinds: tuple[str, ...]
    values: tuple[float, float] = SHARE
    per: tuple[str | None, ...] = (None, "emotion")
    whole_curve: bool = False
    keys: tuple[str, ...] = ()
    relative: bool = False
    unit: str = ""


PREDICTED = ("clean", "corruption", "attack")
ANSWERED = (*PREDICTED, "saliency")
"""The kinds of checks whose gates are about what a model answers, which one that knows nothing answers too."""
COST = ("cost",)
WHOLE = (None,)
METRICS: Mapping[str, Metric] = {
    "accuracy": Metric("share of clips recognised", PREDICTED, per=(None, "group")),
    "recall": Metric("share of an emotion's clips recognised", PREDICTED, per=("emotion", "group")),
    "precision": Metric("share of the clips called an emotion that are", PREDICTED, per=("emotion",)),
    "f1": Metric("harmonic mean of precision and recall", PREDICTED, per=("emotion",)),
    "uar": Metric("unweighted average recall over the emotions", PREDICTED, per=(None,)),
    "macro_f1": Metric("unweighted average F1 over the emotions", PREDICTED, per=(None,)),
    "ece": Metric("expected calibration error", PREDICTED, per=(None, "emotion", "group"), relative=True),
    "accuracy_gap": Metric(
        "largest difference of accuracy between the values of a column",
        PREDICTED,
        per=(None, "group"),
        keys=("across",),
        relative=True,
    ),
    "recall_gap": Metric(
        "largest difference of an emotion's recall between the values of a column",
        PREDICTED,
        keys=("across",),
        relative=True,
    ),
    "share_gap": Metric(
        "largest difference between the values of a column of the share called an emotion, less the share that are",
        PREDICTED,
        (0.0, 2.0),
        ("emotion",),
        keys=("across",),
        relative=True,
    ),
    "drop": Metric("accuracy lost from clean", PREDICTED[1:], SIGNED, (None, "emotion", "group"), relative=True),
    "accuracy_change": Metric("accuracy gained since the baseline", PREDICTED, SIGNED, (None, "group")),
    "recall_change": Metric("recall gained since the baseline", PREDICTED, SIGNED, ("emotion", "group")),
    "uar_change": Metric("UAR gained since the baseline", PREDICTED, SIGNED, (None,)),
    "curve_area": Metric("mean accuracy over the swept range", PREDICTED[1:], SHARE, (None, "emotion", "group"), True),
    "critical_epsilon": Metric(
        "epsilon at which accuracy first falls below one half",
        ("attack",),
        AT_LEAST_NONE,
        (None, "emotion", "group"),
        True,
        relative=True,
    ),
    "faithfulness": Metric("mean faithfulness score of the maps", ("saliency",), ANY, keys=("by",)),
    "faithfulness_over_random": Metric(
        "how much better it is than that of the same maps put elsewhere", ("saliency",), ANY, keys=("by",)
    ),
    "faithfulness_over_energy": Metric(
        "how much better it is than that of the loudest cells, or strongest edges", ("saliency",), ANY, keys=("by",)
    ),
    "conservation": Metric("largest relative error of the relevance's sum", ("saliency",), AT_LEAST_NONE),
    "localisation": Metric(
        "share of positive relevance where the emotion is known to lie, or in a region", ("saliency",), keys=("region",)
    ),
    "top_k_intersection": Metric(
        "share of the most relevant cells, as many as the region has, that lie in it", ("saliency",), keys=("region",)
    ),
    "found": Metric("share of the judged clips that a screen finds", ("data",)),
    "latency": Metric("milliseconds a recording takes the model, median", COST, AT_LEAST_NONE, WHOLE, unit="ms"),
    "latency_p95": Metric(
        "milliseconds that 95 of 100 recordings do not exceed in the model", COST, AT_LEAST_NONE, WHOLE, unit="ms"
    ),
    "latency_with_representation": Metric(
        "milliseconds from the decoded recording to the logits, median", COST, AT_LEAST_NONE, WHOLE, unit="ms"
    ),
    "throughput": Metric(
        "recordings a second in batches, median", COST, AT_LEAST_NONE, WHOLE, unit="recordings a second"
    ),
    "parameters": Metric("numbers the network learns", COST, AT_LEAST_NONE, WHOLE),
    "size": Metric("megabytes of the weights' files", COST, AT_LEAST_NONE, WHOLE, unit="MB"),
    "similarity": Metric("rank correlation with the maps a sanity test makes", ("saliency",), SIGNED, keys=("after",)),
    "overlap": Metric("share of the masked cells that a sanity test's maps mask too", ("saliency",), keys=("after",)),
}
AVERAGES = {"recall": "uar", "precision": "macro_f1", "f1": "macro_f1"}
