"""Networks that came as files: called in the batches they take, and asked for one of their outputs."""

import pytest
import torch
from torch import Tensor, nn

from audit.errors import ModelError
from audit.loaders.called import Called, in_parts


@pytest.mark.parametrize(
    ("count", "size", "fixed"), [(5, 2, True), (5, 8, True), (5, 2, False), (5, 8, False), (4, 4, True)]
)
def test_parts_give_what_the_whole_gives_and_are_of_the_size_allowed(count: int, size: int, fixed: bool) -> None:
    seen: list[int] = []

    def doubled(part: Tensor) -> Tensor:
        seen.append(len(part))
        return 2 * part

    inputs = torch.arange(3.0 * count).view(count, 3)
    assert torch.equal(in_parts(doubled, inputs, size, fixed=fixed), 2 * inputs)
    assert set(seen) == {size} if fixed else max(seen) <= size


def test_what_fills_up_a_part_has_no_gradient() -> None:
    leaf = torch.ones(3, 2, requires_grad=True)
    in_parts(lambda part: 5 * part, leaf, 4, fixed=True).sum().backward()
    assert torch.equal(leaf.grad, torch.full((3, 2), 5.0))


class Many(nn.Module):
    def __init__(self, *widths: int) -> None:
        super().__init__()
        self.widths = widths

    def forward(self, inputs: Tensor) -> dict[str, object]:
        return {"all": [inputs[:, :width] for width in self.widths], "count": 3}


def test_of_several_outputs_the_one_of_the_labels_number_is_the_logits() -> None:
    inputs = torch.rand(4, 9)
    assert torch.equal(Called(Many(2, 3, 5), 3)(inputs), inputs[:, :3])


@pytest.mark.parametrize(
    ("widths", "told"), [((2, 5), r"\(4, 2\), \(4, 5\)"), ((3, 3), r"\(4, 3\), \(4, 3\)"), ((), "a dict")]
)
def test_outputs_of_which_none_or_two_could_be_the_logits_are_told(widths: tuple[int, ...], told: str) -> None:
    with pytest.raises(ModelError, match=rf"returns {told} for 4 inputs; one output of \(4, 3\) is due"):
        Called(Many(*widths), 3)(torch.rand(4, 9))


def test_a_network_in_double_precision_is_given_and_answers_in_its_own() -> None:
    network = nn.Linear(9, 3).double()
    answers = Called(network, 3, dtype=torch.float64)(torch.rand(4, 9))
    assert answers.dtype == torch.float32
