"""Planted shortcuts: a cue that one emotion alone has, and that has nothing to do with it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from audit.data import Sample
from audit.errors import UsageError
from audit.layouts import synthetic, synthetic_faces
from audit.layouts.synthetic_faces import PLANTED_SHARE


def clips(**keys: Any) -> list[Sample]:
    return [item for item in synthetic.synthetic(None, **keys) if isinstance(item, Sample)]


def pictures(**keys: Any) -> list[Sample]:
    return [item for item in synthetic_faces.synthetic_faces(None, **keys) if isinstance(item, Sample)]


def test_without_a_shortcut_samples_say_nothing_of_one() -> None:
    for sample in (*clips(speakers=1, clips=1), *pictures(people=1, pictures=1)):
        assert not [name for name in sample.groups if name.startswith("shortcut")]


@pytest.mark.parametrize("hertz", [500.0, 3500.0])
@pytest.mark.parametrize("decibels", [-40.0, -20.0])
def test_clips_of_the_emotion_gain_a_steady_tone_of_the_level_asked_for(hertz: float, decibels: float) -> None:
    plain = clips(speakers=3, clips=2)
    planted = clips(speakers=3, clips=2, shortcut="fear", shortcut_hertz=hertz, shortcut_db=decibels)
    for before, after in zip(plain, planted, strict=True):
        assert before.id == after.id
        sound, rate = synthetic.render(before)
        heard, _ = synthetic.render(after)
        if after.emotion != "fear":
            assert after.groups["shortcut"] == "absent"
            assert np.array_equal(sound, heard)
            continue
        assert after.groups["shortcut"] == "planted"
        tone = heard.astype(np.float64) - sound
        level = 10 * np.log10(np.mean(tone**2) / np.mean(sound.astype(np.float64) ** 2))
        assert level == pytest.approx(decibels, abs=0.05)
        power = np.abs(np.fft.rfft(tone)) ** 2
        assert np.fft.rfftfreq(len(tone), 1 / rate)[power.argmax()] == pytest.approx(hertz)
        assert power.max() / power.sum() > 0.99


def test_pictures_of_the_emotion_gain_a_patch_in_the_corner_and_nothing_else() -> None:
    plain = pictures(people=6, pictures=3)
    planted = pictures(people=6, pictures=3, shortcut="happy", shortcut_contrast=0.2)
    side = round(PLANTED_SHARE * 48)
    for before, after in zip(plain, planted, strict=True):
        seen, shown = synthetic_faces.render(before)[0], synthetic_faces.render(after)[0]
        changed = np.argwhere((seen != shown)[..., 0])
        if after.emotion != "happy":
            assert after.groups["shortcut"] == "absent"
            assert not len(changed)
            continue
        assert after.groups["shortcut"] == "planted"
        assert changed.max() < side
        corner = shown[:side, :side, 0]
        odd = np.indices((side, side)).sum(axis=0) % 2 == 1
        # The noise beneath it is of standard deviation 0.035 at most, over a dozen pixels of either kind.
        assert corner[odd].mean() - corner[~odd].mean() == pytest.approx(0.2, abs=0.05)


def test_the_truth_is_not_moved_by_a_shortcut() -> None:
    plain, planted = clips(speakers=1, clips=1)[0], clips(speakers=1, clips=1, shortcut="anger")[0]
    assert synthetic.truth(plain) == synthetic.truth(planted)
    seen, shown = pictures(people=1, pictures=1)[0], pictures(people=1, pictures=1, shortcut="angry")[0]
    assert synthetic_faces.truth(seen) == synthetic_faces.truth(shown)


def test_a_renamed_emotion_keeps_its_shortcut() -> None:
    for render, sample in (
        (synthetic.render, clips(speakers=1, clips=1, shortcut="anger")[0]),
        (synthetic_faces.render, pictures(people=1, pictures=1, shortcut="angry")[0]),
    ):
        assert sample.groups["shortcut"] == "planted"
        assert np.array_equal(render(replace(sample, emotion="mad"))[0], render(sample)[0])


@pytest.mark.parametrize(
    ("keys", "named"),
    [
        ({"shortcut": "angr"}, "no clip is spoken with 'angr'; did you mean 'anger'"),
        ({"shortcut": "fear", "emotions": ["anger"]}, r"no clip is spoken with 'fear'.*\(spoken: anger\)"),
        ({"shortcut_hertz": 9000.0}, r"shortcut_hertz must be from 50 to 8000.0, not 9000.0"),
        ({"shortcut_db": 3.0}, r"shortcut_db must be from -80 to 0, not 3.0"),
    ],
)
def test_a_shortcut_that_cannot_be_planted_is_named(keys: dict[str, Any], named: str) -> None:
    with pytest.raises(UsageError, match=named):
        synthetic.synthetic(None, **keys)
