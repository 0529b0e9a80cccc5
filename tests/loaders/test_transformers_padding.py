"""The transformers loader on padded clips, where the feature extractor returns an attention mask."""

from pathlib import Path

import pytest
import torch
import transformers

from audit.errors import ModelError

from .transformers_cases import MASKED, SPEECH, clips, kept, wav2vec2, wav2vec2_with_layer_norm


def test_of_a_masked_clip_the_gradient_is_the_unpadded_parts_and_agrees_with_finite_differences(tmp_path: Path) -> None:
    model = kept(tmp_path, wav2vec2_with_layer_norm(), transformers.Wav2Vec2FeatureExtractor(**MASKED))
    assert "zeros at the end are padding, noise there is not" in model.note
    assert model.module is not None
    model.module.double()
    leaf = (1000 * clips(2)[:1]).double().requires_grad_()
    (found,) = torch.autograd.grad(model.logits(leaf)[:, 1].sum(), leaf)
    assert float(found[:, 1700:].abs().max()) == 0.0
    assert float(found[:, :1700].abs().max()) > 1e-4
    rng = torch.Generator().manual_seed(2)
    for _ in range(8):
        way = torch.randn(leaf.shape, generator=rng, dtype=torch.float64)
        way[:, 1700:] = 0.0
        with torch.no_grad():
            ends = [model.logits(leaf + sign * 1e-6 * way)[:, 1].sum() for sign in (1, -1)]
        torch.testing.assert_close((found * way).sum(), (ends[0] - ends[1]) / 2e-6, rtol=1e-5, atol=1e-7)


def test_a_masked_clip_whose_padding_is_filled_is_heard_as_a_whole_and_so_is_silence(tmp_path: Path) -> None:
    own, extractor = wav2vec2_with_layer_norm(), transformers.Wav2Vec2FeatureExtractor(**MASKED)
    model = kept(tmp_path, own, extractor)
    noisy = clips(2) + 0.01 * torch.randn(2, 2000, generator=torch.Generator().manual_seed(3))
    given = torch.cat([noisy, torch.zeros(1, 2000)])
    expected = extractor(list(given.numpy()), sampling_rate=16000, return_tensors="pt")
    with torch.no_grad():
        torch.testing.assert_close(model.logits(given), own(**expected).logits, atol=1e-5, rtol=0)


@pytest.mark.parametrize("pad", ["start", "center", "repeat"])
def test_a_clip_padded_as_the_extractor_does_not_comes_to_it_whole(tmp_path: Path, pad: str) -> None:
    own, extractor = wav2vec2_with_layer_norm(), transformers.Wav2Vec2FeatureExtractor(**MASKED)
    model = kept(tmp_path, own, extractor, given=SPEECH.replace("}", f", pad: {pad}}}"))
    expected = extractor(list(clips(2).numpy()), sampling_rate=16000, return_tensors="pt")
    with torch.no_grad():
        torch.testing.assert_close(model.logits(clips(2)), own(**expected).logits, atol=1e-5, rtol=0)
    assert "normalises each clip with its padding" in model.note


def test_an_extractor_that_masks_its_padding_at_the_start_is_refused(tmp_path: Path) -> None:
    extractor = transformers.Wav2Vec2FeatureExtractor(**MASKED, padding_side="left")
    with pytest.raises(ModelError, match=r"pads clips at their start.*`pad: center`"):
        kept(tmp_path, wav2vec2(), extractor, given=SPEECH.replace("}", ", pad: start}"))
