"""How a sanity test's maps are compared with the method's own, and what becomes of one that cannot be applied."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from scipy.stats import spearmanr
from torch import Tensor, nn

from audit.checks.explainer import Explainer
from audit.checks.sanity import overlap, similarity
from audit.checks.session import Session
from audit.model import TorchModel
from audit.suite import Use

from ..toys import EMOTIONS, SPEC, learned, pictures, same, session, state, streams
from .trials import check_of, standing, trial


def test_similarity_is_spearmans_rank_correlation() -> None:
    generator = torch.Generator().manual_seed(0)
    one, other = torch.randn(2, 5, 1, 6, 7, generator=generator).round(decimals=1)
    found = similarity(one, other)
    for row in range(5):
        expected = spearmanr(one[row].flatten(), other[row].flatten()).statistic
        assert float(found[row]) == pytest.approx(float(expected))
    flat = torch.zeros_like(one)
    assert similarity(one, one).tolist() == [1.0] * 5
    assert similarity(flat, flat).tolist() == [1.0] * 5
    assert similarity(one, flat).tolist() == [0.0] * 5
    torch.testing.assert_close(similarity(one, -one), torch.full((5,), -1.0, dtype=torch.float64))


def test_overlap_is_the_part_of_the_mask_that_both_maps_have() -> None:
    generator = torch.Generator().manual_seed(0)
    one, other = torch.randn(2, 5, 1, 10, 10, generator=generator)
    found = overlap(one, other, 0.2, streams(5))
    for row in range(5):
        first, second = (set(m[row].flatten().argsort(descending=True)[:20].tolist()) for m in (one, other))
        assert float(found[row]) == pytest.approx(len(first & second) / 20)
    flat = torch.zeros_like(one)
    assert overlap(flat, flat, 0.2, streams(5)).tolist() == [1.0] * 5
    assert overlap(one, -one, 0.2, streams(5)).tolist() == [0.0] * 5


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("return iter(())", "made no maps"),
        ("yield 1.0, explained.values[:, :, :-1]", "(24, 1, 16, 16) are due"),
    ],
)
def test_a_sanity_test_of_ones_own_that_makes_no_such_maps_is_told(
    body: str, words: str, tmp_path: Path, use: Callable[[str], Use], toys: Session
) -> None:
    (tmp_path / "mine.py").write_text(
        "from audit.kinds import sanity\n\n\n@sanity(alike=True)\n"
        f"def odd(explained, rng, *, least: float = 0.5):\n    '''Is odd.'''\n    {body}\n"
    )
    found, _, run = standing(check_of(use("gradient"), Use("sanity", "mine.py:odd", {}, tmp_path)), toys)
    assert words in run.untested["gradient"]["odd"]
    assert trial(found, "odd").outcome == "ERROR"


def test_a_sanity_test_of_ones_own_is_decided_by_its_own_limit(
    tmp_path: Path, use: Callable[[str], Use], toys: Session
) -> None:
    (tmp_path / "mine.py").write_text(
        "from audit.kinds import sanity\n\n\n@sanity(alike=True)\n"
        "def same(explained, rng, *, least: float = 0.5):\n    '''Is the same.'''\n    yield 1.0, explained.values\n"
    )
    for least, outcome in ((0.5, "PASS"), (1.0, "UNSURE")):
        test = Use("sanity", "mine.py:same", {"least": least}, tmp_path)
        found, _, _ = standing(check_of(use("gradient"), test), toys)
        assert trial(found, "same").outcome == outcome


def test_what_raises_in_the_middle_is_told_and_the_next_test_is_asked(toys: Session, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(
        "from audit.attribution import Attribution\nfrom audit.errors import MethodError\n"
        "from audit.kinds import saliency\n\n\n@saliency()\ndef wary(model, inputs, targets, rng):\n"
        '    """Refuses a network whose last layer it does not know."""\n'
        "    weights = model.module[8].weight\n"
        "    known = model.__dict__.setdefault('known', weights.detach().clone())\n"
        "    if not weights.equal(known): raise MethodError('wary knows another network')\n"
        "    return Attribution(inputs)\n"
    )
    check = check_of(Use("saliency", "own.py:wary", {}, tmp_path), "parameter_randomisation", "seed_stability")
    before = state(toys.model)
    found, _, run = standing(check, toys)
    assert same(before, state(toys.model))
    assert run.untested == {"wary": {"parameter_randomisation": "wary knows another network"}}
    assert trial(found, "seed_stability").outcome == "PASS"


class Rooted(nn.Module):
    """Takes the root of its first weight, which is above 0 as it was learned, and of no other."""

    def __init__(self) -> None:
        super().__init__()
        self.network = learned()
        self.scale = nn.Parameter(torch.tensor([4.0, -1.0]), requires_grad=False)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.network(inputs) * self.scale[0].sqrt()


def test_a_network_that_has_no_answer_in_disorder_is_told_and_the_rest_is_judged(use: Callable[[str], Use]) -> None:
    rooted = session(TorchModel(Rooted().eval(), SPEC, EMOTIONS, name="rooted"), *pictures(24, seed=11))
    found = []
    for seed in range(8):
        one, _, run = standing(
            check_of(use("gradient"), "parameter_randomisation", "seed_stability"), replace(rooted, seed=seed)
        )
        assert trial(one, "seed_stability").outcome == "PASS"
        found += [told.get("parameter_randomisation", "") for told in run.untested.values()]
    assert any("NaN or infinite logits" in told for told in found)


def test_an_explainer_draws_the_same_for_the_same_turn_and_otherwise_for_another(
    use: Callable[[str], Use], toys: Session
) -> None:
    explainer = Explainer(check_of(use("noise")), toys, use("noise"))
    indices = list(range(8))
    maps = [explainer.maps(indices, inputs=toys.inputs[:8], model=toys.model, turn=turn).values for turn in (0, 0, 1)]
    assert torch.equal(maps[0], maps[1])
    assert not torch.equal(maps[0], maps[2])
    told = explainer.explained(indices, maps[0])
    parts = replace(toys, batch_size=3)
    again = Explainer(check_of(use("noise")), parts, use("noise")).explained(indices, maps[0])
    assert torch.equal(again.explain(toys.model, toys.inputs[:8], 1), maps[2])
    assert told.seed == again.seed
