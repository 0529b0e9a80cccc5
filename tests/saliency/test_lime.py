"""LIME: its fit, what it finds in a model whose truth is known, and that it repeats."""

import numpy as np
import pytest
import torch
from lime.lime_image import LimeImageExplainer
from torch import Tensor, nn

from audit.input_spec import SpeechInput
from audit.masking import segments
from audit.model import TorchModel
from audit.randomness import SampleRng
from audit.saliency.lime import lime


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


@pytest.fixture
def additive() -> TorchModel:
    weights = torch.randn(64, generator=torch.Generator().manual_seed(0)) * 0.2
    return TorchModel(Additive(weights), SpeechInput(16000, 3.0, "melspectrogram", {}), ("anger", "fear"))


def test_it_recovers_the_weights_of_an_additive_model(additive: TorchModel, mels: Tensor, rng: SampleRng) -> None:
    found = lime(additive, mels, torch.zeros(4, dtype=torch.long), rng, samples=512, fill="floor", kernel_width=10.0)
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
    ours = lime(additive, mels[:1], torch.tensor([0]), SampleRng([1]), samples=1000, fill="floor").values
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
