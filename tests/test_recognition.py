"""What a model's outputs went through: recognised, or declared and checked."""

import pytest
import torch
from torch import nn

from audit.adapter import Behind
from audit.errors import ModelError
from audit.recognition import activation_of, watched, without_softmax

SCORES = 4 * torch.randn(4, 6, generator=torch.Generator().manual_seed(0))
MADE = {
    "none": SCORES,
    "softmax": SCORES.softmax(1),
    "log_softmax": SCORES.log_softmax(1),
    "sigmoid": SCORES.sigmoid(),
}


@pytest.mark.parametrize("activation", ["none", "softmax", "log_softmax"])
def test_the_answers_alone_tell_what_they_are(activation: str) -> None:
    assert activation_of(MADE[activation], declared=None, known=None) == activation


def test_values_in_the_unit_range_that_do_not_sum_to_one_must_be_declared() -> None:
    with pytest.raises(ModelError, match="activation: sigmoid"):
        activation_of(MADE["sigmoid"], declared=None, known=None)
    assert activation_of(MADE["sigmoid"], declared="sigmoid", known=None) == "sigmoid"
    assert activation_of(MADE["sigmoid"], declared="none", known=None) == "none"


@pytest.mark.parametrize(
    ("declared", "made", "told"),
    [
        ("none", "softmax", "softmax would be taken twice"),
        ("softmax", "none", "not to 1"),
        ("softmax", "sigmoid", "not to 1"),
        ("log_softmax", "softmax", "exponentials sum to"),
        ("sigmoid", "none", "outside 0 to 1"),
    ],
)
def test_a_declaration_that_cannot_be_is_refused(declared, made, told) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ModelError, match=told):
        activation_of(MADE[made], declared=declared, known=None)


@pytest.mark.parametrize("as_written", [lambda p: (p * 100).round() / 100, lambda p: 100 * p, lambda p: p.half()])
def test_probabilities_may_be_rounded_or_in_percent(as_written) -> None:  # type: ignore[no-untyped-def]
    written = as_written(MADE["softmax"]).float()
    for declared in (None, "softmax"):
        assert activation_of(written, declared=declared, known=None) == "softmax"
    again = Behind("softmax", [[i] for i in range(6)], 6)(written).softmax(1)
    torch.testing.assert_close(again, MADE["softmax"], atol=0.02, rtol=0)


def test_percentages_are_no_logits() -> None:
    with pytest.raises(ModelError, match="no answer is below 0 and every one sums to 100: write `activation: softmax`"):
        activation_of(100 * MADE["softmax"], declared="none", known=None)


def test_what_is_no_emotion_need_not_be_a_probability() -> None:
    beside = torch.cat([torch.full((4, 1), 120.0), MADE["softmax"]], dim=1)
    assert activation_of(beside, declared=None, known=None, kept=range(1, 7)) == "softmax"
    assert activation_of(beside, declared="softmax", known=None, kept=range(1, 7)) == "softmax"
    # A model that knows one emotion more, which is left out.
    assert activation_of(MADE["softmax"], declared=None, known=None, kept=range(1, 6)) == "softmax"


def test_what_is_declared_must_be_what_the_loader_knows() -> None:
    assert activation_of(SCORES, declared="none", known="none") == "none"
    assert activation_of(SCORES, declared="softmax", known="none", left_out=True) == "none"
    for declared, left_out in (("sigmoid", True), ("none", True), ("softmax", False)):
        ends = "softmax" if left_out else "no activation"
        with pytest.raises(
            ModelError, match=f"activation: {declared}, but the model ends in {ends}; leave the line out"
        ):
            activation_of(SCORES, declared=declared, known="none", left_out=left_out)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("last", "expected"),
    [(nn.Softmax(1), "softmax"), (nn.LogSoftmax(1), "log_softmax"), (nn.Sigmoid(), "sigmoid"), (nn.Identity(), None)],
)
def test_the_last_layer_of_a_network_tells_too(last: nn.Module, expected: str | None) -> None:
    network = nn.Sequential(nn.Linear(6, 3), last)
    with watched(network) as seen:
        assert seen(network(SCORES)) == expected
    assert not any(module._forward_hooks for module in network.modules())


def test_a_linear_layer_at_the_end_puts_out_logits_and_what_follows_unseen_is_unknown() -> None:
    network = nn.Linear(6, 3)
    with watched(network) as seen:
        outputs = network(SCORES)
        assert seen(outputs) == "none"
        assert seen(outputs.softmax(1)) is None


def test_a_softmax_at_the_end_is_taken_off_and_one_inside_is_not() -> None:
    linear = nn.Linear(6, 3)
    network = nn.Sequential(nn.Linear(6, 6), nn.Softmax(1), nn.Sequential(linear, nn.Softmax(dim=1))).eval()
    before = network(SCORES)
    assert without_softmax(network, SCORES)
    torch.testing.assert_close(network(SCORES).softmax(1), before)
    assert isinstance(network[1], nn.Softmax)
    assert not without_softmax(network, SCORES)


def test_a_softmax_that_is_used_twice_stays() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear, self.soft = nn.Linear(6, 6), nn.Softmax(1)

        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            return self.soft(self.linear(self.soft(inputs)))

    network = Twice().eval()
    before = network(SCORES)
    assert not without_softmax(network, SCORES)
    assert torch.equal(network(SCORES), before)
