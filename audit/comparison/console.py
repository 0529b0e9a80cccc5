"""What a terminal shows of two audits: the sentence, what cannot be compared, the gates that changed, and the page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from rich.text import Text

from audit.baseline import Baseline
from audit.comparison.cautions import cautions
from audit.comparison.compare import Comparison
from audit.comparison.gates import Pair, gates
from audit.comparison.sentence import amount, ci, family, named, points, refused, sentence, shared
from audit.console import say
from audit.report.numbers import count
from audit.wording import finding, limit, near, plain, title

MOST = 12
STYLES: Mapping[str, str] = {"newly failing": "bold red", "newly passing": "bold green", "changed": "bold yellow"}


def show(found: Comparison, page: Path) -> None:
    """Print a comparison, and where its `page` lies."""
    say(lines(found, page))


def lines(found: Comparison, page: Path) -> Iterator[Text]:
    """Yield the lines `show` prints."""
    yield from (Text(_audit(name, audit)) for name, audit in (("A", found.a), ("B", found.b)))
    yield Text(f"{sentence(found)}.", style="bold")
    for each in found.refused:
        yield Text.assemble(("not comparable  ", "bold magenta"), refused(each))
    for name, only in (("A", found.only_a), ("B", found.only_b)):
        if only:
            yield Text(plain(f"only {name} has  {', '.join(only)}"))
    if shared(found):
        yield Text(shared(found), style="yellow")
    told = gates(found.a.document, found.b.document)
    for what, pairs in (("newly failing", told.failing), ("newly passing", told.passing), ("changed", told.changed)):
        for pair in pairs[:MOST]:
            yield Text.assemble((what, STYLES[what]), f"  {_gate(pair, found)}")
        if len(pairs) > MOST:
            yield Text(f"{what}  {len(pairs) - MOST} more")
    for difference in found.holding[:MOST]:
        interval = difference.found.interval or (0.0, 0.0)
        between = f"{ci(found)} {points(interval[0])} to {points(interval[1])}, n={difference.found.n}"
        yield Text(f"holds  {named(difference, found)}: {amount(difference.gain)} ({between})")
    if len(found.holding) > MOST:
        yield Text(f"holds  {len(found.holding) - MOST} more")
    for caution in cautions(found):
        yield Text(plain(f"{caution.check}: {caution.told}"), style="yellow")
    if counted := family(found):
        yield Text(counted)
    yield Text.assemble("compare  ", (plain(near(page)), f"link {page.absolute().as_uri()}"))
    moved = f"{len(told.failing)} newly failing, {len(told.passing)} newly passing, {len(told.changed)} changed"
    same = count(len(told.alike), "gate")
    yield Text(f"{moved}, {same} alike; no decision (audit gate B --baseline A decides)")


def _audit(name: str, audit: Baseline) -> str:
    model = audit.document["model"]
    return plain(f"{name}  {model['name']} sha256:{str(model['sha256'])[:8]}…  {near(Path(audit.path))}")


def _gate(pair: Pair, found: Comparison) -> str:
    before, after = pair.a, pair.b
    told = finding(after, found.b.document)
    moved = f", in A {limit(before)}" if pair.has_other_limit else ""
    was = "" if before["value"] is None else f" {before['value']:.3g}"
    return plain(f"{title(after, found.b.document)}  {before['outcome']}{was} -> {after['outcome']} {told}{moved}")
