"""What a comparison comes to, in sentences that console and page share: A is the earlier audit, B the later one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from audit.baseline import SHOWN
from audit.comparison.cautions import cautions
from audit.comparison.compare import CLEAN, SWEPT, Comparison, Difference, Refused
from audit.report.numbers import count, minus, short
from audit.wording import plain, sweep_parameter, title, words

DIGESTS: Mapping[str, str] = {"emotions": "emotions", "settings": "settings", "data": "recordings"}


def sentence(found: Comparison) -> str:
    """Return the first sentence: how B differs on clean clips, then where a sweep shows it most.

    `B is right on 3.1 points more of 501 shared clips (95% CI 0.8 to 5.4); under gaussian_noise at sigma 0.1 on 12
    points more`.
    """
    if not found.differences:
        return "Nothing is comparable: no check has clips that both audits judged alike"
    if found.clean is None:
        return f"The clean answers are not comparable; {_under(found) or 'nor is any sweep'}"
    under = _under(found)
    return _clean(found, found.clean) + (f"; {under}" if under else "")


def _clean(found: Comparison, clean: Difference) -> str:
    noun, n = words(found.b.document).noun, clean.found.n
    column = found.decide.cluster
    of = "" if clean.found.clusters is None else f" of {count(clean.found.clusters, str(column))}"
    shared = plain(f"{n:,} shared {noun}{'s' * (n != 1)}{of}")
    interval = clean.found.interval
    if interval is None:
        told = f"{amount(clean.gain)}, " if clean.gain else ""
        return f"B is right on as many of {shared} as A, or not ({told}no interval: too few to tell)"
    if interval == (0.0, 0.0):
        return f"A and B are one model, and give the same answers to {shared}"
    low, high = points(interval[0]), points(interval[1])
    if not clean.excludes_none:
        so_far = "as many" if not clean.gain else amount(clean.gain)
        told = f"on {so_far} of {shared} ({ci(found)} {low} to {high})"
        return f"B is not shown to be right more often than A, or less: {told}"
    chance = "" if found.holds(clean) else f"; as one of {len(found.differences)} differences it may be chance"
    return f"B is right on {amount(clean.gain)} of {shared} ({ci(found)} {low} to {high}{chance})"


def _under(found: Comparison) -> str:
    """Return where, of all sweeps that are not in doubt, accuracy gained most and lost most."""
    doubted = {each.check for each in cautions(found)}
    swept = [each for each in found.differences if each.metric == "accuracy" and each.kind in SWEPT]
    sure = [each for each in swept if each.check not in doubted]
    holding = [each for each in found.holding if each in sure]
    ends = [next((each for each in holding if (each.gain > 0) is more), None) for more in (True, False)]
    known = sorted((each for each in ends if each is not None), key=lambda each: -abs(each.gain))
    if known:
        return ", ".join(f"under {where(each, found)} on {amount(each.gain)}" for each in known)
    if not sure or all(each.found.interval == (0.0, 0.0) for each in sure):
        return ""
    # What holds of single emotions is not to be hidden behind an accuracy that does not.
    others = [each for each in found.holding if each.check not in doubted and each.kind in SWEPT]
    largest = f", but of {named(others[0], found)}: {amount(others[0].gain)}" if others else ""
    return f"at no severity of a sweep is a difference of accuracy shown{largest}"


def family(found: Comparison) -> str:
    """Return how many differences there are, how many exclude 0 and how many hold over all, in a sentence."""
    many, alpha = len(found.differences), 100 * found.alpha
    if all(each.found.interval == (0.0, 0.0) for each in found.differences):
        return ""
    return (
        f"{count(many, 'difference')} of accuracy, UAR and recall: the {ci(found).removesuffix(' CI')} interval of "
        f"{len(found.apart)} excludes 0, as that of about {max(1, round(many * found.alpha))} would by chance alone; "
        f"{len(found.holding)} hold over all of them together (Holm, error at most {short(alpha)}%)"
    )


def refused(each: Refused) -> str:
    """Return why a check is not comparable: `white_noise: other settings, 3fd2… in A and 9a41… in B`."""
    what = DIGESTS.get(each.what)
    if what is None:
        return plain(f"{each.check}: {each.reason}")
    reason = each.reason if each.what == "data" else f"other {what}"
    return plain(f"{each.check}: {reason}, {each.a} in A and {each.b} in B")


def where(difference: Difference, found: Comparison) -> str:
    """Return the condition of a difference: `clean`, or `gaussian_noise at sigma 0.1`."""
    if difference.kind == CLEAN or difference.at is None:
        return "clean"
    parameter = sweep_parameter(found.b.document, difference.check)
    return plain(f"{difference.check} at {parameter} {short(difference.at)}")


def named(difference: Difference, found: Comparison) -> str:
    """Return what a difference is of, as gates are called: `recall at sigma 0.05, sadness`."""
    row: dict[str, Any] = {name: getattr(difference, name) for name in ("check", "kind", "metric", "at", "emotion")}
    told = title({**row, "of": None, "group": None}, found.b.document)
    return told.replace("uar", "UAR", 1) if difference.metric == "uar" else told


def ci(found: Comparison) -> str:
    """Return `95% CI`."""
    return f"{100 * found.decide.confidence:g}% CI"


def amount(gain: float) -> str:
    """Return a difference of shares in words: `3.1 points more`, `12 points fewer`."""
    text = points(abs(gain))
    return f"{text} point{'' if text == '1' else 's'} {'more' if gain > 0 else 'fewer'}"


def points(share: float) -> str:
    """Return a difference of shares in percentage points: `3.1`, `−12`; none but 0 is rounded to 0."""
    value = 100 * share
    text = f"{value:.1f}" if abs(value) >= 0.05 or not value else f"{value:.1g}"
    return minus(text.removesuffix(".0"))


def shared(found: Comparison) -> str:
    """Return how many recordings both judged, where the data are not the same; "" where they are, or none is shared."""
    a, b = (audit.document["data"] for audit in (found.a, found.b))
    if a["sha256"] == b["sha256"] or not found.differences:
        return ""
    n, noun = max(each.found.n for each in found.differences), words(found.b.document).noun
    digests = f"sha256 {a['sha256'][:SHOWN]} in A and {b['sha256'][:SHOWN]} in B"
    return f"The data are others, {digests}: {count(n, f'shared {noun}')} of {a['n']:,} in A and {b['n']:,} in B"
