"""LIME: its fit, what it finds in a model whose truth is known, and that it repeats."""

import numpy as np
import pytest
import torch
from lime.lime_base import LimeBase
from lime.lime_image import LimeImageExplainer
from sklearn.metrics import pairwise_distances
from torch import Tensor, nn

from audit.errors import MethodError
from audit.input_spec import FaceInput, SpeechInput
from audit.masking import segments
from audit.model import TorchModel
from audit.randomness import SampleRng
from audit.saliency.lime import lime, nearness, neighbours
from audit.saliency.ridge import expected_loss, ridge, top_cover


class Additive(nn.Module):
    """Logits that add up the mean of every segment, weighted: what LIME assumes."""

    def __init__(self, weights: Tensor) -> None:
        super().__init__()
        self.weights = weights

    def forward(self, inputs: Tensor) -> Tensor:
        grid = segments(inputs.shape[1:]).reshape(-1)
        sums = torch.zeros(len(inputs), 64).index_add_(1, grid, inputs.flatten(1))
        logit = (sums / torch.bincount(grid)) @ self.weights
        return torch.stack([logit, torch.zeros_like(logit)], dim=1)


class Centre(nn.Module):
    """Answers with how bright one square is."""

    def forward(self, inputs: Tensor) -> Tensor:
        mean = inputs[..., 20:44, 7:31].flatten(1).mean(1)
        return torch.stack([4 * mean, -4 * mean], dim=1)


@pytest.fixture
def additive() -> TorchModel:
    weights = torch.randn(64, generator=torch.Generator().manual_seed(0)) * 0.2
    return TorchModel(Additive(weights), SpeechInput(16000, 3.0, "melspectrogram", {}), ("anger", "fear"))


def test_it_recovers_the_weights_of_an_additive_model(additive: TorchModel, mels: Tensor, rng: SampleRng) -> None:
    found = lime(
        additive, mels, torch.zeros(4, dtype=torch.long), rng, samples=512, tolerance=0, fill="floor", kernel_width=10.0
    )
    grid = segments(mels.shape[1:]).reshape(-1)
    first = [int((grid == segment).nonzero()[0]) for segment in range(64)]
    per_segment = found.values.flatten(1)[:, first]
    for row in per_segment:
        assert np.corrcoef(row.numpy(), additive.module.weights.numpy())[0, 1] > 0.98
    assert (found.measures["r2"] > 0.9).all()


def test_its_fit_is_that_of_the_lime_package(additive: TorchModel, mels: Tensor) -> None:
    """The package explains the same clip with the same segments; many samples bring both to the same ranking."""
    image = mels[0, 0].numpy().astype(np.float64)

    def classify(images: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return additive.logits(torch.from_numpy(images[..., :1]).float().permute(0, 3, 1, 2)).softmax(1).numpy()

    explainer = LimeImageExplainer(random_state=0, verbose=False)
    grid = segments(mels.shape[1:]).reshape(128, 94).numpy()
    theirs = explainer.explain_instance(
        np.repeat(image[..., None], 3, axis=2),
        classify,
        labels=(0,),
        hide_color=0,
        num_samples=1000,
        segmentation_fn=lambda _: grid,
    )
    theirs_by_segment = np.array([dict(theirs.local_exp[0])[segment] for segment in range(64)])
    ours = lime(additive, mels[:1], torch.tensor([0]), SampleRng([1]), samples=1000, tolerance=0, fill="floor").values
    ours_by_segment = np.array([float(ours[0, 0][grid == segment][0]) for segment in range(64)])
    assert np.corrcoef(ours_by_segment, theirs_by_segment)[0, 1] > 0.98


def test_the_same_streams_give_the_same_map_to_the_last_bit(resnet: TorchModel, mels: Tensor) -> None:
    targets = torch.zeros(4, dtype=torch.long)
    runs = [lime(resnet, mels, targets, SampleRng([1, 2, 3, 4]), samples=64).values for _ in range(2)]
    assert torch.equal(*runs)


def test_it_works_without_gradients(additive: TorchModel, mels: Tensor, rng: SampleRng) -> None:
    additive.differentiable = False
    lime(additive, mels, torch.zeros(4, dtype=torch.long), rng, samples=64)
    assert additive.ledger.total.backward_samples == 0


def test_the_fit_is_lime_bases_on_the_same_neighbourhood() -> None:
    generator = np.random.default_rng(0)
    drawn = neighbours(generator, 20)
    present = np.array([next(drawn) for _ in range(70)])
    answers = generator.random(70)
    ours = ridge(present, answers, nearness(present, 0.25))
    base = LimeBase(lambda distances: np.sqrt(np.exp(-(distances**2) / 0.25**2)))
    distances = pairwise_distances(present, present[:1], metric="cosine").ravel()
    _, terms, r2, _ = base.explain_instance_with_data(
        present.astype(float), answers[:, None], distances, 0, 20, feature_selection="none"
    )
    theirs = dict(terms)
    np.testing.assert_allclose(ours.coefficients, [theirs[segment] for segment in range(20)], atol=1e-10)
    assert ours.r2 == pytest.approx(r2, abs=1e-10)


def test_standard_errors_are_those_of_fits_on_fresh_noise() -> None:
    """Pairs may err alike, by far more than apart: that takes nothing from the weights."""
    generator = np.random.default_rng(1)
    drawn = neighbours(generator, 12)
    present = np.array([next(drawn) for _ in range(61)])
    weights, true = nearness(present, 10.0), 0.1 * generator.normal(size=12)
    fits = []
    for _ in range(600):
        alike = np.append(0.0, np.repeat(generator.normal(size=30), 2))
        fits.append(ridge(present, present @ true + alike + 0.3 * generator.normal(size=61), weights))
    seen = np.std([fit.coefficients for fit in fits], axis=0)
    told = np.sqrt(np.mean([np.diag(fit.covariance) for fit in fits], axis=0))
    np.testing.assert_allclose(told, seen, rtol=0.15)


@pytest.mark.parametrize("noise", [0.5, 2.0, 6.0])
def test_the_expected_loss_is_that_of_masks_from_repeated_fits(noise: float) -> None:
    generator = np.random.default_rng(2)
    drawn = neighbours(generator, 30)
    present = np.array([next(drawn) for _ in range(129)])
    weights, sizes, budget = nearness(present, 0.25), generator.integers(8, 13, 30), 60
    normals = generator.standard_normal((128, 30))
    expected, missed, best = [], 0.0, 0.0
    for _ in range(200):
        true = generator.normal(size=30)
        fit = ridge(present, present @ true + noise * generator.normal(size=129), weights)
        expected.append(expected_loss(fit, sizes, budget, normals))
        whole, ours = (top_cover(w, sizes, budget) @ (true / sizes) for w in (true, fit.coefficients))
        missed, best = missed + whole - ours, best + whole
    assert np.mean(expected) == pytest.approx(missed / best, abs=0.015 + 0.4 * missed / best)
    assert missed / best > 0.002


def test_a_mask_takes_the_heaviest_segments_and_a_part_of_the_last() -> None:
    cover = top_cover(np.array([0.1, 3.0, 2.0, -1.0]), np.array([5, 4, 6, 5]), 7)
    assert cover.tolist() == [0.0, 4.0, 3.0, 0.0]


def test_neighbours_hide_every_segment_and_every_pair_of_segments_evenly() -> None:
    drawn = neighbours(np.random.default_rng(3), 63)
    assert next(drawn).all()
    signs = 2 * np.array([next(drawn) for _ in range(128)]).astype(int) - 1
    assert (signs[0::2] == -signs[1::2]).all()
    assert (signs.sum(0) == 0).all()
    assert (signs.T @ signs == 128 * np.eye(63)).all()


def test_clear_clips_are_done_before_noisy_ones_and_none_takes_more_than_it_may(
    resnet: TorchModel, mels: Tensor
) -> None:
    class Both(nn.Module):
        """Adds up segments where the first cell is dark, and where it is bright looks at all of them at once."""

        def __init__(self) -> None:
            super().__init__()
            self.adds = Additive(torch.linspace(-2, 2, 64))

        def forward(self, inputs: Tensor) -> Tensor:
            wild = torch.sin(40 * inputs.flatten(1).mean(1, keepdim=True) + torch.tensor([[0.0, 2.0]])) * 3
            return torch.where(inputs.flatten(1).mean(1, keepdim=True) > 2, wild, self.adds(inputs))

    model = TorchModel(Both(), SpeechInput(16000, 3.0, "melspectrogram", {}), ("anger", "fear"))
    rough = torch.stack([mels[0], 4 + 8 * mels[1]])
    found = lime(model, rough, torch.tensor([0, 0]), SampleRng([1, 2]), samples=400, fill="floor").measures
    assert found["samples"][0] < found["samples"][1] == 400
    assert found["error"][0] < found["error"][1]


def test_a_tighter_tolerance_asks_more(resnet: TorchModel, mels: Tensor) -> None:
    targets, streams = torch.tensor([0, 1, 2, 3]), [1, 2, 3, 4]
    loose, tight = (
        lime(resnet, mels, targets, SampleRng(streams), tolerance=tolerance, samples=400).measures["samples"]
        for tolerance in (1.0, 0.0)
    )
    assert loose.tolist() == [193] * 4
    assert tight.tolist() == [400] * 4


def test_fewer_pairs_than_segments_settle_nothing(additive: TorchModel, mels: Tensor, rng: SampleRng) -> None:
    targets = torch.zeros(4, dtype=torch.long)
    few, enough = (
        lime(additive, mels, targets, rng, samples=samples, fill="floor").measures["error"] for samples in (128, 193)
    )
    assert few.tolist() == [1.0] * 4
    assert (enough < 0.25).all()


def test_the_ledger_books_every_neighbour(resnet: TorchModel, mels: Tensor) -> None:
    found = lime(resnet, mels, torch.tensor([0, 1, 2, 3]), SampleRng([1, 2, 3, 4]), samples=225)
    assert resnet.ledger.total.forward_samples == int(found.measures["samples"].sum())


def test_a_picture_with_few_distinct_parts_is_explained_by_its_superpixels(rng: SampleRng) -> None:
    picture = torch.zeros(1, 1, 48, 48)
    picture[..., 20:44, 7:31] = 1.0
    model = TorchModel(Centre(), FaceInput(48, 48), ("anger", "fear"))
    values = lime(model, picture, torch.tensor([0]), SampleRng([1]), fill="floor").values
    assert values[..., 24:40, 11:27].mean() > 5 * values[..., :16, :].abs().mean()


@pytest.mark.parametrize("keys", [{"samples": 1}, {"masked": 0.0}, {"masked": 1.0}])
def test_keys_out_of_range_are_refused(
    keys: dict[str, float], resnet: TorchModel, mels: Tensor, rng: SampleRng
) -> None:
    with pytest.raises(MethodError, match="are due"):
        lime(resnet, mels, torch.zeros(4, dtype=torch.long), rng, **keys)
