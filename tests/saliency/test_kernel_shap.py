"""KernelSHAP against Shapley's definition, captum's, and what its values must add up to."""

from itertools import permutations

import numpy as np
import pytest
import torch
from captum.attr import KernelShap
from torch import Tensor, nn

from audit.errors import MethodError
from audit.input_spec import FaceInput, SpeechInput
from audit.masking import segments
from audit.model import TorchModel
from audit.randomness import SampleRng
from audit.saliency.kernel_shap import coalitions, kernel_shap
from audit.saliency.neighbourhood import neighbourhood, superpixels

MEL = SpeechInput(16000, 3.0, "melspectrogram", {})
EMOTIONS = ("anger", "fear", "joy")


@pytest.fixture
def curved() -> TorchModel:
    """A network in which segments act together, on inputs (n, 1, 6, 8)."""
    with torch.random.fork_rng():
        torch.manual_seed(4)
        network = nn.Sequential(nn.Flatten(), nn.Linear(48, 16), nn.Tanh(), nn.Linear(16, 3))
        with torch.no_grad():
            network[1].weight.mul_(4)
    return TorchModel(network.eval(), MEL, EMOTIONS)


@pytest.fixture
def clips() -> Tensor:
    return torch.rand(2, 1, 6, 8, generator=torch.Generator().manual_seed(2))


def by_definition(model: TorchModel, one: Tensor, target: int, grid: Tensor) -> np.ndarray:
    """Average what each segment adds over every order in which segments may come."""
    count = int(grid.max()) + 1

    def value(shown: frozenset[int]) -> float:
        keep = torch.tensor([segment in shown for segment in range(count)])[grid]
        with torch.no_grad():
            return float(model.logits(torch.where(keep, one, one.mean())[None]).double().softmax(1)[0, target])

    known = {}
    totals, orders = np.zeros(count), list(permutations(range(count)))
    for order in orders:
        before: frozenset[int] = frozenset()
        for segment in order:
            after = before | {segment}
            for some in (before, after):
                known[some] = known[some] if some in known else value(some)
            totals[segment] += known[after] - known[before]
            before = after
    return totals / len(orders)


def per_segment(values: Tensor, grid: Tensor) -> np.ndarray:
    return torch.zeros(int(grid.max()) + 1).index_add_(0, grid.reshape(-1), values.reshape(-1)).numpy()


def test_with_every_coalition_it_equals_shapleys_definition(curved: TorchModel, clips: Tensor) -> None:
    grid, targets = segments(clips.shape[1:], rows=2, columns=3), torch.tensor([0, 2])
    found = kernel_shap(curved, clips, targets, SampleRng([1, 2]), rows=2, columns=3, samples=62)
    for one, values, target in zip(clips, found.values, targets.tolist(), strict=True):
        expected = by_definition(curved, one, target, grid)
        np.testing.assert_allclose(per_segment(values, grid), expected, atol=1e-6)
        assert np.abs(expected).max() > 0.01


def test_drawn_coalitions_come_near_the_exact_values(curved: TorchModel, clips: Tensor) -> None:
    keys, targets = {"rows": 3, "columns": 4}, torch.tensor([0, 2])
    exact, drawn = (
        kernel_shap(curved, clips, targets, SampleRng([1, 2]), samples=samples, **keys).values
        for samples in (4094, 1024)
    )
    assert (torch.linalg.vector_norm(exact - drawn) < 0.1 * torch.linalg.vector_norm(exact)).item()


def test_it_comes_near_captums_of_as_many_samples(curved: TorchModel, clips: Tensor) -> None:
    grid = segments(clips.shape[1:], rows=2, columns=4)
    one = clips[:1]
    ours = per_segment(
        kernel_shap(curved, one, torch.tensor([1]), SampleRng([1]), rows=2, columns=4, samples=254).values, grid
    )
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(0)
        theirs = KernelShap(lambda inputs: curved.logits(inputs).softmax(1)).attribute(
            one,
            baselines=float(one.mean()),
            target=1,
            feature_mask=grid[None],
            n_samples=4000,
            perturbations_per_eval=50,
        )
    first = [int((grid.reshape(-1) == segment).nonzero()[0]) for segment in range(8)]
    np.testing.assert_allclose(ours, theirs.flatten()[first].numpy(), atol=0.02 * np.abs(ours).max() + 0.005)


@pytest.mark.parametrize("samples", [2, 40, 512])
def test_a_map_sums_to_what_hiding_everything_takes(samples: int, curved: TorchModel, clips: Tensor) -> None:
    targets = torch.tensor([0, 1])
    found = kernel_shap(curved, clips, targets, SampleRng([1, 2]), samples=samples, fill="floor")
    with torch.no_grad():
        ends = [curved.logits(inputs).softmax(1) for inputs in (clips, torch.zeros_like(clips))]
    due = (ends[0] - ends[1]).gather(1, targets[:, None]).squeeze(1)
    torch.testing.assert_close(found.values.flatten(1).sum(1), due, rtol=0, atol=1e-5)
    assert (found.measures["efficiency"] < 1e-9).all()


def test_superpixels_keep_to_the_edges_of_a_picture() -> None:
    picture = torch.zeros(1, 48, 48)
    picture[:, 20:44, 7:31] = 1.0

    def mixed(labels: Tensor) -> float:
        """Return the share of cells on the smaller side of the edge within their segment."""
        counts = torch.zeros(int(labels.max()) + 1, 2)
        counts.index_put_((labels.reshape(-1), picture.reshape(-1).long()), torch.ones(48 * 48), accumulate=True)
        return float(counts.amin(1).sum() / counts.sum())

    found, grid = superpixels(picture, 64), segments(picture.shape)
    assert sorted(found.unique().tolist()) == list(range(int(found.max()) + 1))
    assert 40 <= int(found.max()) + 1 <= 90
    assert mixed(found) < mixed(grid) / 2


def test_faces_have_superpixels_and_speech_a_grid() -> None:
    picture = torch.rand(1, 1, 48, 48, generator=torch.Generator().manual_seed(0))
    network = nn.Sequential(nn.Flatten(), nn.Linear(48 * 48, 3)).eval()
    given = {"segmentation": None, "rows": 8, "columns": 8, "fill": "mean", "batch": 64}
    face, speech = (
        neighbourhood(TorchModel(network, spec, EMOTIONS), picture, torch.tensor([0]), SampleRng([1]), **given).labels
        for spec in (FaceInput(48, 48), MEL)
    )
    assert torch.equal(speech[0], segments(picture.shape[1:]).reshape(-1))
    assert torch.equal(face[0], superpixels(picture[0], 64).reshape(-1))
    assert not torch.equal(face, speech)


def test_coalitions_come_in_pairs_with_sizes_by_the_shapley_kernel() -> None:
    some, weights = coalitions(np.random.default_rng(0), 30, 40_000)
    assert (some[0::2] != some[1::2]).all()
    assert (weights == 1).all()
    sizes = np.arange(1, 30)
    kernel = 1 / (sizes * (30 - sizes))
    share = np.bincount(some.sum(1), minlength=30)[1:] / len(some)
    np.testing.assert_allclose(share, kernel / kernel.sum(), atol=0.01)


def test_one_sample_is_too_few(curved: TorchModel, clips: Tensor) -> None:
    with pytest.raises(MethodError, match="at least 2"):
        kernel_shap(curved, clips, torch.tensor([0, 1]), SampleRng([1, 2]), samples=1)
