"""What is planted in a model differs from the sound one where it should, and there alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from audit.errors import ModelError
from audit.kinds import import_file

from .grounds import answers, opened, planted, slope

EMOTIONS = ("anger", "fear", "happiness", "neutral", "sadness", "surprise")


def test_every_case_has_a_name_of_its_own_and_signs(planting: Any, repository: Path) -> None:
    assert len(planting.cases) >= 26
    assert all(case.signs and case.about for case in planting.cases.values())
    assert len({case.about for case in planting.cases.values()}) == len(planting.cases)


@pytest.mark.parametrize("factor", ["saturated-logits", "overconfident", "underconfident"])
def test_scaled_logits_change_how_sure_a_model_is_and_nothing_it_says(
    planting: Any, ground: Any, inputs: Tensor, factor: str
) -> None:
    sound, found, _ = answers(planting, ground, factor, inputs)
    assert torch.equal(sound.argmax(1), found.argmax(1))
    surer = found.softmax(1).amax(1).mean() - sound.softmax(1).amax(1).mean()
    assert surer < -0.2 if factor == "underconfident" else surer > 0.05


def test_saturation_quantising_and_steps_hide_the_gradient_and_keep_the_answers(
    planting: Any, ground: Any, inputs: Tensor
) -> None:
    for name in ("saturated-logits", "quantised-input", "zero-gradient"):
        sound, found, model = answers(planting, ground, name, inputs)
        assert (sound.argmax(1) == found.argmax(1)).float().mean() > 0.9, name
        hidden = (slope(model, inputs) == 0).flatten(1).all(1).float().mean()
        assert hidden > 0.5, name
    assert not (slope(opened(ground.manifest(ground.weights()), ground.folder), inputs) == 0).flatten(1).all(1).any()


@pytest.mark.parametrize("name", ["randomised-input", "dropout-left-on", "random-answers"])
def test_what_draws_at_random_answers_otherwise_when_asked_again(
    planting: Any, ground: Any, inputs: Tensor, name: str
) -> None:
    _, first, model = answers(planting, ground, name, inputs)
    assert not torch.equal(first, model.logits(inputs).detach())


@pytest.mark.parametrize("name", ["batch-norm-left-on", "batch-dependent"])
def test_what_goes_by_the_batch_answers_otherwise_alone_and_the_same_when_asked_again(
    planting: Any, ground: Any, inputs: Tensor, name: str
) -> None:
    _, first, model = answers(planting, ground, name, inputs)
    with torch.no_grad():
        assert torch.equal(first, model.logits(inputs))
        assert not torch.allclose(first[:1], model.logits(inputs[:1]), atol=0.01)


def test_noise_takes_one_emotion_alone_and_clean_clips_lose_nothing(planting: Any, ground: Any, inputs: Tensor) -> None:
    sound, found, model = answers(planting, ground, "deaf-under-noise", inputs)
    fear = EMOTIONS.index("fear")
    assert torch.equal(sound, found)
    noisy = (inputs + 0.05 * torch.randn(inputs.shape, generator=torch.Generator().manual_seed(1))).clamp(0, 1)
    with torch.no_grad():
        before, after = opened(ground.manifest(ground.weights()), ground.folder).logits(noisy), model.logits(noisy)
    assert (before.argmax(1) == fear).any()
    assert not (after.argmax(1) == fear).any()
    others = [i for i in range(6) if i != fear]
    assert torch.equal(before[:, others], after[:, others])


def test_two_softmaxes_leave_answers_as_they_were_and_hardly_a_preference(
    planting: Any, ground: Any, inputs: Tensor
) -> None:
    sound, found, _ = answers(planting, ground, "double-softmax", inputs)
    torch.testing.assert_close(found.softmax(1), sound.softmax(1).softmax(1))
    assert found.softmax(1).amax() < 0.36


def test_a_softmax_that_the_manifest_denies_is_refused_when_the_model_is_opened(planting: Any, ground: Any) -> None:
    with pytest.raises(ModelError, match="softmax would be taken twice"):
        opened(planted(planting, ground, "undeclared-softmax").manifest, ground.folder / "cases" / "softmax")


def test_an_emotion_that_is_never_predicted_is_the_only_one_that_changes(
    planting: Any, ground: Any, inputs: Tensor
) -> None:
    sound, found, _ = answers(planting, ground, "never-predicted", inputs)
    others = sound.argmax(1) != EMOTIONS.index("fear")
    assert (found.argmax(1) != EMOTIONS.index("fear")).all()
    assert torch.equal(sound.argmax(1)[others], found.argmax(1)[others])


def test_a_collapse_calls_more_than_half_of_all_clips_neutral(planting: Any, ground: Any, inputs: Tensor) -> None:
    _, found, _ = answers(planting, ground, "collapse-to-neutral", inputs)
    assert (found.argmax(1) == EMOTIONS.index("neutral")).float().mean() > 0.5


def test_a_dead_member_takes_a_third_of_the_ensembles_certainty(planting: Any, ground: Any, inputs: Tensor) -> None:
    sound, found, _ = answers(planting, ground, "dead-member", inputs)
    torch.testing.assert_close(found.softmax(1), 2 / 3 * sound.softmax(1) + 1 / 18, atol=1e-5, rtol=0)


def test_inputs_of_one_level_alone_are_answered_with_nan(planting: Any, ground: Any, inputs: Tensor) -> None:
    model = opened(planted(planting, ground, "not-a-number").manifest, ground.folder / "cases" / "not-a-number")
    assert model.module is not None
    undefined = model.module(inputs).isnan().any(1)
    assert 0.0 < undefined.float().mean() < 0.5
    sound = opened(ground.manifest(ground.weights()), ground.folder).logits(inputs)
    torch.testing.assert_close(model.module(inputs)[~undefined], sound[~undefined])


def test_a_wrong_manifest_is_the_sound_one_but_for_what_it_says_wrongly(planting: Any, ground: Any) -> None:
    sound = ground.manifest(ground.weights())
    for name, key in (
        ("labels-swapped", "emotions"),
        ("wrong-sampling-rate", "input"),
        ("wrong-normalisation", "input"),
    ):
        found = planted(planting, ground, name).manifest
        assert [k for k in sound if found[k] != sound[k]] == [key], name
    swapped = planted(planting, ground, "labels-swapped").manifest["emotions"]
    assert swapped == ["fear", "anger", *EMOTIONS[2:]]


def test_maps_of_edges_are_the_same_whatever_the_model(planting: Any, ground: Any, inputs: Tensor) -> None:
    found = planted(planting, ground, "maps-ignore-model")
    file, _, name = found.checks[0]["method"].rpartition(":")
    method = getattr(import_file(Path(file)), name)
    sound = opened(ground.manifest(ground.weights()), ground.folder)
    other = opened(planted(planting, ground, "random-answers").manifest, ground.folder / "cases" / "random-answers")
    assert torch.equal(method(sound, inputs, None, None).values, method(other, inputs, None, None).values)
