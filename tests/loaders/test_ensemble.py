"""The ensemble loader: the weighted mean of its members, each with its own input."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import Tensor

from audit.errors import ModelError
from audit.kinds import import_file
from audit.manifest import load_model
from audit.model import Model, gradient, log_odds

CODE = """
import numpy as np
from torch import nn

def of_mels():
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Tanh(), nn.Flatten(), nn.Linear(336, 3))

def of_waves():
    return nn.Sequential(nn.Flatten(), nn.Linear(1000, 3), nn.Dropout(), nn.Tanh())

def of_half():
    return nn.Sequential(nn.Flatten(), nn.Linear(500, 3), nn.Tanh())

def in_numpy(inputs):
    return np.stack([inputs.mean(1), inputs.max(1), inputs.min(1)], axis=1)

def halved(waveform, sampling_rate):
    return waveform[::2]
"""
MEMBER = """version: 1
model: {name}
loader: torch
source: code.py:{function}
weights: {name}.safetensors
input: {{{input}}}
emotions: [{emotions}]
"""
MELS = "representation: {melspectrogram: {n_fft: 128, hop_length: 64, n_mels: 8, ref: 1.0}}"
WAVE = "representation: waveform"
HALF, QUARTER = "sampling_rate: 2000, seconds: 0.5, ", "sampling_rate: 2000, seconds: 0.25, "
EMOTIONS = "anger, joy, neutral"


def member(folder: Path, name: str, function: str, given: str, emotions: str = EMOTIONS, more: str = "") -> Model:
    """Write a member with random weights, and return it as it is loaded alone."""
    (folder / "code.py").write_text(CODE)
    path = folder / f"{name}.model.yaml"
    path.write_text(MEMBER.format(name=name, function=function, input=given, emotions=emotions) + more)
    with torch.random.fork_rng():
        torch.manual_seed(len(name))
        module = import_file(folder / "code.py").__dict__[function]()
    safetensors.torch.save_file(module.state_dict(), folder / f"{name}.safetensors")
    return load_model(path)


def ensemble(folder: Path, keys: str, given: str = HALF + WAVE, emotions: str = EMOTIONS, name: str = "all") -> Model:
    path = folder / f"{name}.model.yaml"
    path.write_text(
        f"version: 1\nmodel: {name}\nloader: {{ensemble: {{{keys}}}}}\ninput: {{{given}}}\nemotions: [{emotions}]\n"
    )
    return load_model(path)


def clips(count: int) -> Tensor:
    return torch.rand(count, 1000, generator=torch.Generator().manual_seed(5)) - 0.5


@pytest.fixture
def three(tmp_path: Path) -> tuple[Model, Model, Model]:
    """Members that hear mels, the whole clip in another order of emotions, and half of it with other names."""
    return (
        member(tmp_path, "mels", "of_mels", HALF + MELS),
        member(tmp_path, "whole", "of_waves", HALF + WAVE, "neutral, anger, joy"),
        member(
            tmp_path,
            "half",
            "of_half",
            QUARTER + "offset: 0.1, " + WAVE + ", order: n1s",
            "a, h, n",
            "rename: {a: anger, h: joy, n: neutral}\n",
        ),
    )


THREE = "members: [mels.model.yaml, whole.model.yaml, half.model.yaml]"


def expected(three: tuple[Model, Model, Model], inputs: Tensor, shares: list[float], temperature: float) -> Tensor:
    logits = [
        three[0].logits(three[0].spec.represent(inputs)),
        three[1].logits(inputs)[:, [1, 2, 0]],
        three[2].logits(inputs[:, 200:700]),
    ]
    mean = sum(w * (z.double() / temperature).softmax(1) for w, z in zip(shares, logits, strict=True))
    assert isinstance(mean, Tensor)
    return mean.log()


@pytest.mark.parametrize("count", [1, 32])
@pytest.mark.parametrize(
    ("keys", "shares", "temperature"),
    [
        ("", [1 / 3] * 3, 1.0),
        (", weights: [1, 2, 5], temperature: 2.5", [0.125, 0.25, 0.625], 2.5),
        (", weights: [0, 1, 0], temperature: 0.1", [0.0, 1.0, 0.0], 0.1),
    ],
)
def test_the_answer_is_the_logarithm_of_the_weighted_mean(
    tmp_path: Path, three: Any, keys: str, shares: list[float], temperature: float, count: int
) -> None:
    model = ensemble(tmp_path, THREE + keys)
    with torch.no_grad():
        found = model.logits(clips(count))
        torch.testing.assert_close(
            found, expected(three, clips(count), shares, temperature).float(), atol=1e-5, rtol=1e-5
        )
        assert torch.equal(model.logits(clips(count)), found)
    assert (model.activation, model.differentiable, model.emotions) == (
        "log_softmax",
        True,
        ("anger", "joy", "neutral"),
    )


@pytest.mark.usefixtures("three")
def test_gradients_reach_the_waveform_through_every_members_representation(tmp_path: Path) -> None:
    model = ensemble(tmp_path, THREE + ", weights: [3, 1, 1]")
    assert model.module is not None
    model.module.double()
    inputs, targets, step = clips(2).double(), torch.tensor([0, 2]), 1e-6
    found = gradient(model, inputs, targets)
    for clip, cell in ((0, 100), (0, 450), (1, 650), (1, 990)):
        loss = []
        for sign in (1, -1):
            moved = inputs.clone()
            moved[clip, cell] += sign * step
            with torch.no_grad():
                loss.append(log_odds(model.logits(moved), targets).sum())
        assert float(found[clip, cell]) == pytest.approx(float(loss[0] - loss[1]) / (2 * step), rel=1e-4, abs=1e-8)


@pytest.mark.usefixtures("three")
def test_the_members_are_parts_of_the_ensemble_and_stay_as_they_were(tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in tmp_path.glob("*.safetensors")}
    model = ensemble(tmp_path, THREE)
    assert model.module is not None
    assert not any(part.training for part in model.module.modules())
    state = {name: value.clone() for name, value in model.module.state_dict().items()}
    stored = sum(value.numel() for path in before for value in safetensors.torch.load_file(path).values())
    assert sum(value.numel() for value in state.values()) == stored + 3
    gradient(model, clips(4), torch.zeros(4, dtype=torch.long))
    assert all(torch.equal(value, state[name]) for name, value in model.module.state_dict().items())
    assert {path: path.read_bytes() for path in before} == before
    model.module.to("meta")
    assert all(value.is_meta for value in [*model.module.parameters(), *model.module.buffers()])


@pytest.mark.parametrize(("function", "given"), [("of_mels", HALF + MELS), ("of_waves", HALF + WAVE)])
def test_an_ensemble_of_one_answers_as_its_member(tmp_path: Path, function: str, given: str) -> None:
    alone = member(tmp_path, "one", function, given)
    model = ensemble(tmp_path, "members: [one.model.yaml]", given)
    inputs, targets = alone.spec.represent(clips(8)), torch.zeros(8, dtype=torch.long)
    assert torch.equal(model.logits(inputs), alone.logits(inputs))
    assert torch.equal(gradient(model, inputs, targets), gradient(alone, inputs, targets))
    assert model.activation == "none"


def test_far_apart_logits_neither_overflow_nor_vanish(tmp_path: Path) -> None:
    member(tmp_path, "whole", "of_waves", HALF + WAVE)
    model = ensemble(tmp_path, "members: [whole.model.yaml, whole.model.yaml], temperature: 0.0001")
    inputs = clips(4).requires_grad_()
    logits = model.logits(inputs)
    assert float(logits.detach().min()) < -1000
    assert bool(torch.isfinite(torch.autograd.grad(logits.sum(), inputs)[0]).all())


@pytest.mark.usefixtures("three")
def test_a_member_without_gradients_makes_the_ensemble_a_black_box(tmp_path: Path) -> None:
    path = tmp_path / "numpy.model.yaml"
    path.write_text(
        "version: 1\nmodel: n\nloader: python\nsource: code.py:in_numpy\n"
        f"input: {{{HALF + WAVE}}}\nemotions: [{EMOTIONS}]\n"
    )
    model = ensemble(tmp_path, "members: [numpy.model.yaml, mels.model.yaml]")
    alone, mels = load_model(path), load_model(tmp_path / "mels.model.yaml")
    assert (model.differentiable, model.module) == (False, None)
    inputs = clips(4)
    mean = (alone.logits(inputs).softmax(1) + mels.logits(mels.spec.represent(inputs)).softmax(1)) / 2
    torch.testing.assert_close(model.logits(inputs).softmax(1), mean, atol=1e-5, rtol=1e-5)
    assert "n: black box: in_numpy answers in numpy, without gradients" in model.note


def test_a_members_own_preprocessing_is_done_but_gives_no_gradients(tmp_path: Path) -> None:
    alone = member(tmp_path, "own", "of_half", HALF + "preprocess: code.py:halved")
    model = ensemble(tmp_path, "members: [own.model.yaml]")
    assert not model.differentiable
    found = alone.logits(alone.spec.represent(clips(4))).softmax(1)
    torch.testing.assert_close(model.logits(clips(4)).softmax(1), found, atol=1e-5, rtol=1e-5)


@pytest.mark.usefixtures("three")
def test_emotions_the_ensemble_does_not_name_are_left_out_and_noted(tmp_path: Path) -> None:
    alone = load_model(tmp_path / "whole.model.yaml")
    model = ensemble(tmp_path, "members: [whole.model.yaml]", emotions="joy, neutral")
    shares = alone.logits(clips(4))[:, [2, 0]].softmax(1)
    torch.testing.assert_close(model.logits(clips(4)).softmax(1), shares)
    assert model.note == "an ensemble of whole (1) at temperature 1; of whole, anger is left out"


@pytest.mark.usefixtures("three")
def test_the_digest_follows_every_members_weights_and_the_ensembles_own_numbers(tmp_path: Path) -> None:
    digests = [ensemble(tmp_path, THREE).digest(), ensemble(tmp_path, THREE + ", temperature: 2").digest()]
    state = safetensors.torch.load_file(tmp_path / "half.safetensors")
    safetensors.torch.save_file({name: value * 2 for name, value in state.items()}, tmp_path / "half.safetensors")
    digests.append(ensemble(tmp_path, THREE).digest())
    assert len(set(digests)) == 3
    assert ensemble(tmp_path, THREE).digest() == digests[2]


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(
    ("keys", "given", "emotions", "told"),
    [
        ("members: []", "", "", r"an ensemble needs members"),
        ("members: [none.model.yaml]", "", "", r"none\.model\.yaml: no such file"),
        (THREE + ", weights: [1, 1]", "", "", r"weights \[1, 1\] for 3 members; one each is due"),
        (THREE + ", weights: [1, -1, 1]", "", "", "at least 0, and not all 0"),
        (THREE + ", weights: [0, 0, 0]", "", "", "at least 0, and not all 0"),
        (THREE + ", temperature: 0", "", "", "temperature must be above 0, not 0"),
        (THREE, "", "anger, joyy, neutral", r"mels\.model\.yaml has no emotion joyy; did you mean 'joy'\?.*`rename:`"),
        (
            THREE,
            HALF + MELS,
            "",
            r"whole\.model\.yaml takes another input \(a waveform\); .*`representation: waveform`",
        ),
        (THREE, HALF + WAVE + ", scaling: {low: 0, high: 1}", "", "and no scaling in the ensemble"),
        (THREE, HALF.replace("2000", "1000") + WAVE, "", "hears 2000 Hz, the ensemble 1000 Hz"),
        (THREE, QUARTER + WAVE, "", r"hears 0 to 0\.5 s, and the ensemble's clip is 0 to 0\.25 s; lengthen"),
        (THREE, HALF + "offset: 0.1, " + WAVE, "", r"hears 0 to 0\.5 s, and the ensemble's clip is 0\.1 to 0\.6 s"),
        (THREE, HALF + "pad: center, " + WAVE, "", r"pad: end to 0\.5 s, the ensemble by center to 0\.5 s"),
        (THREE, HALF + WAVE + ", order: n1s", "", "input.order and input.chunks belong into each member's own"),
        (THREE, "modality: face, height: 4, width: 4", "", "members that see faces must share the ensemble's `input:`"),
    ],
)
def test_an_ensemble_that_does_not_fit_its_members_says_why(
    tmp_path: Path, keys: str, given: str, emotions: str, told: str
) -> None:
    with pytest.raises(ModelError, match=told):
        ensemble(tmp_path, keys, given or HALF + WAVE, emotions or EMOTIONS)


@pytest.mark.parametrize(("pad", "offset", "fits"), [("end", 0.1, True), ("repeat", 0.0, True), ("repeat", 0.1, False)])
def test_a_shorter_clip_is_filled_up_as_the_member_was_trained_or_refused(
    tmp_path: Path, pad: str, offset: float, fits: bool
) -> None:
    alone = member(tmp_path, "half", "of_half", QUARTER + f"offset: {offset}, pad: {pad}, {WAVE}")
    given = HALF + f"pad: {pad}, {WAVE}"
    if not fits:
        with pytest.raises(ModelError, match="so it would hear another clip"):
            ensemble(tmp_path, "members: [half.model.yaml]", given)
        return
    model = ensemble(tmp_path, "members: [half.model.yaml]", given)
    short = clips(1)[0, :420].numpy()
    heard = [torch.from_numpy(np.array(m.spec.recording(short, 2000, "short")))[None] for m in (alone, model)]
    torch.testing.assert_close(model.logits(heard[1]).softmax(1), alone.logits(heard[0]).softmax(1))


def test_members_with_one_scaling_from_a_file_share_the_input(tmp_path: Path) -> None:
    np.savez(tmp_path / "s.npz", mean=np.zeros(1000), std=np.full(1000, 2.0))
    np.savez(tmp_path / "t.npz", mean=np.zeros(1000), std=np.r_[np.full(999, 2.0), 3.0])
    given = HALF + WAVE + ", scaling: {file: s.npz}"
    member(tmp_path, "one", "of_waves", given)
    assert ensemble(tmp_path, "members: [one.model.yaml]", given).differentiable
    with pytest.raises(ModelError, match="takes another input"):
        ensemble(tmp_path, "members: [one.model.yaml]", given.replace("s.npz", "t.npz"))


@pytest.mark.usefixtures("three")
def test_an_ensemble_inside_an_ensemble_answers_and_one_inside_itself_is_refused(tmp_path: Path) -> None:
    ensemble(tmp_path, THREE, name="inner")
    outer = ensemble(tmp_path, "members: [inner.model.yaml, whole.model.yaml]", name="outer")
    assert outer.logits(clips(2)).shape == (2, 3)
    with pytest.raises(
        ModelError, match=r"self\.model\.yaml -> .*self\.model\.yaml: an ensemble cannot be its own mem"
    ):
        ensemble(tmp_path, "members: [whole.model.yaml, self.model.yaml]", name="self")
    with pytest.raises(ModelError, match=r"inner\.model\.yaml -> .*outer\.model\.yaml -> .*inner\.model\.yaml: an ens"):
        ensemble(tmp_path, "members: [outer.model.yaml]", name="inner")
    assert ensemble(tmp_path, THREE, name="inner").differentiable
