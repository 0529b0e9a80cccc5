"""Video with sound, of which one or the other is missing, and the ensemble that is given both."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from audit.audiovisual_input import AudiovisualInput
from audit.corruptions.missing_picture import missing_picture
from audit.corruptions.missing_sound import missing_sound
from audit.data import Dataset, recording_of
from audit.errors import MethodError, ModelError
from audit.layouts.ravdess import ravdess
from audit.manifest import load_model
from audit.model import Model, TorchModel, gradient
from audit.randomness import SampleRng

SPEC = AudiovisualInput(1000, 0.2, 6, 4, 5)
SAMPLES, CELLS = 200, 6 * 4 * 5


@pytest.fixture
def inputs() -> Tensor:
    """Four inputs in which no sample is silent and no pixel black."""
    return torch.full((4, SAMPLES + CELLS), 0.5)


def runs(row: Tensor) -> int:
    return int((row[1:] != row[:-1]).sum())


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 1.0])
def test_one_stretch_of_the_sound_is_silent_and_the_picture_stays(inputs: Tensor, rng: SampleRng, share: float) -> None:
    changed = missing_sound(inputs, SPEC, rng, share=share)
    gone = changed[:, :SAMPLES] == 0.0
    assert (gone.sum(1) == round(share * SAMPLES)).all()
    assert max(runs(row) for row in gone) <= 2
    assert torch.equal(changed[:, SAMPLES:], inputs[:, SAMPLES:])
    assert bool((inputs == 0.5).all())


@pytest.mark.parametrize(("share", "frames"), [(0.0, 0), (0.25, 2), (0.5, 3), (1.0, 6)])
def test_whole_frames_in_a_row_are_black_and_the_sound_stays(
    inputs: Tensor, rng: SampleRng, share: float, frames: int
) -> None:
    changed = missing_picture(inputs, SPEC, rng, share=share)
    gone = (changed[:, SAMPLES:] == 0.0).view(4, 6, 20)
    assert (gone.all(2).sum(1) == frames).all()
    assert torch.equal(gone.any(2), gone.all(2))
    assert max(runs(row) for row in gone.all(2)) <= 2
    assert torch.equal(changed[:, :SAMPLES], inputs[:, :SAMPLES])


def test_where_it_is_missing_is_each_clips_own(inputs: Tensor, rng: SampleRng) -> None:
    together = missing_sound(inputs, SPEC, rng, share=0.5)
    alone = torch.cat(
        [missing_sound(inputs[[i]], SPEC, SampleRng([s]), share=0.5) for i, s in enumerate((11, 22, 33, 44))]
    )
    assert torch.equal(together, alone)
    assert len({tuple(row.tolist()) for row in together}) == 4


@pytest.mark.parametrize("missing", [missing_sound, missing_picture])
@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_another_share_is_refused(inputs: Tensor, rng: SampleRng, missing: object, share: float) -> None:
    with pytest.raises(MethodError, match=f"share is {share}; from 0, nothing, to 1"):
        missing(inputs, SPEC, rng, share=share)  # type: ignore[operator]


@pytest.fixture(scope="module")
def together(learned: Path) -> Model:
    return load_model(learned / "together.model.yaml")


@pytest.fixture(scope="module")
def three(videos: Path, together: Model) -> Tensor:
    """Three recordings of an actor in whose videos a face is found."""
    samples = [each for each in ravdess(videos, recordings="audiovisual") if each.groups["speaker"] == "08"][:3]  # type: ignore[union-attr]
    recordings = [recording_of(each, Dataset((), ()), together.spec) for each in samples]  # type: ignore[arg-type]
    return torch.stack([torch.from_numpy(each) for each in recordings])


def test_every_member_is_given_its_part(learned: Path, together: Model, three: Tensor) -> None:
    video, sound = (load_model(learned / f"{name}.model.yaml") for name in ("video", "sound"))
    with torch.no_grad():
        seen = video.logits(three[:, 16000:].view(3, 8, 24, 24)).double().softmax(1)
        heard = sound.logits(sound.spec.represent(three[:, :16000])).double().softmax(1)
        torch.testing.assert_close(together.logits(three).double().softmax(1), (seen + heard) / 2)


def test_gradients_reach_sound_and_picture(together: Model, three: Tensor) -> None:
    assert isinstance(together, TorchModel)
    slope = gradient(together, three, torch.zeros(3, dtype=torch.long))
    assert bool(slope[:, :16000].any())
    assert bool(slope[:, 16000:].any())


def test_what_one_part_says_does_not_depend_on_the_other(together: Model, three: Tensor, rng: SampleRng) -> None:
    spec = together.spec
    assert isinstance(spec, AudiovisualInput)
    members = together.members
    with torch.no_grad():
        deaf = missing_sound(three, spec, SampleRng([1, 2, 3]), share=1.0)
        torch.testing.assert_close(members["video"](deaf), members["video"](three))
        assert not torch.equal(members["sound"](deaf), members["sound"](three))
        blind = missing_picture(three, spec, SampleRng([1, 2, 3]), share=1.0)
        torch.testing.assert_close(members["sound"](blind), members["sound"](three))
        assert not torch.equal(members["video"](blind), members["video"](three))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("frames: 8", "frames: 9", r"video\.model\.yaml sees 8 frames .*, the ensemble 9 frames .*under `picture:`"),
        ("width: 24", "width: 24, face: whole", r"\(face: find, .* \(face: whole, "),
        ("sampling_rate: 16000", "sampling_rate: 8000", r"sound\.model\.yaml hears 16000 Hz, the ensemble 8000 Hz"),
        ("seconds: 1.0", "seconds: 0.5", "lengthen the ensemble's"),
    ],
)
def test_a_member_of_another_input_is_refused(learned: Path, old: str, new: str, said: str) -> None:
    path = learned / "other.model.yaml"
    path.write_text((learned / "together.model.yaml").read_text().replace(old, new))
    with pytest.raises(ModelError, match=said):
        load_model(path)
