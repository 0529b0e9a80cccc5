"""Generated clips: what they promise a suite, and that the truth about them is exact."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from audit.data import Dataset, Sample, recording_of
from audit.errors import DataError, UsageError
from audit.input_spec import SpeechInput
from audit.kinds import find
from audit.layouts.synthetic import render, synthetic, truth
from audit.layouts.voice.prosody import PROSODY
from audit.layouts.voice.tract import FADE_SECONDS

SIX = ("anger", "fear", "happiness", "neutral", "sadness", "surprise")


def clips(**keys: Any) -> list[Sample]:
    return [item for item in synthetic(None, **keys) if isinstance(item, Sample)]


def spoken_as(sample: Sample, emotion: str) -> Sample:
    return replace(sample, emotion=emotion, groups={**sample.groups, "prosody": emotion})


def test_there_is_one_clip_per_speaker_emotion_and_number() -> None:
    samples = clips(speakers=3, clips=4)
    assert len(samples) == 3 * 4 * 6
    assert len({sample.id for sample in samples}) == len(samples)
    assert {sample.emotion for sample in samples} == set(SIX)
    assert "s02-anger-003" in {sample.id for sample in samples}
    assert all(sample.path is None for sample in samples)


def test_speakers_are_of_both_sexes_and_named_in_the_groups() -> None:
    samples = clips(speakers=4, clips=1, emotions=["fear"])
    assert [sample.groups["speaker"] for sample in samples] == ["s00", "s01", "s02", "s03"]
    assert [sample.groups["sex"] for sample in samples] == ["female", "male", "female", "male"]


def test_the_layout_is_found_by_name_with_its_reader_and_its_truth() -> None:
    facts = find("layout", "synthetic").facts
    assert facts["read"] is render
    assert facts["truth"] is truth


def test_a_clip_is_the_same_to_the_last_bit_whatever_was_drawn_before_it() -> None:
    samples = clips(speakers=2, clips=2)
    first = {sample.id: render(sample)[0].tobytes() for sample in samples}
    np.random.default_rng(1).standard_normal(100)
    again = {sample.id: render(sample)[0].tobytes() for sample in reversed(clips(speakers=2, clips=2))}
    assert first == again


def test_a_clip_needs_nothing_but_its_sample() -> None:
    sample = clips(speakers=2, clips=3, seed=5)[-1]
    copy = Sample(sample.id, None, sample.emotion, dict(sample.groups))
    more = next(s for s in clips(speakers=9, clips=30, seed=5) if s.id == sample.id)
    assert np.array_equal(render(sample)[0], render(copy)[0])
    assert np.array_equal(render(sample)[0], render(more)[0])


def test_global_random_states_are_left_alone() -> None:
    before = (random.getstate(), np.random.get_state()[1].tobytes(), torch.get_rng_state().numpy().tobytes())  # type: ignore[union-attr]
    render(clips(speakers=1, clips=1)[0])
    after = (random.getstate(), np.random.get_state()[1].tobytes(), torch.get_rng_state().numpy().tobytes())  # type: ignore[union-attr]
    assert before == after


def test_other_seeds_have_other_speakers_and_clips() -> None:
    one, other = clips(speakers=1, clips=1, seed=0)[0], clips(speakers=1, clips=1, seed=1)[0]
    assert not np.array_equal(render(one)[0], render(other)[0])
    assert truth(one) != truth(other)


@pytest.mark.parametrize(("seconds", "sampling_rate"), [(1, 16000), (2.0, 11025), (3.7, 22050), (2.0, 48000)])
def test_length_and_rate_are_as_asked(seconds: float, sampling_rate: int) -> None:
    for sample in clips(speakers=2, clips=1, seconds=seconds, sampling_rate=sampling_rate):
        waveform, rate = render(sample)
        assert rate == sampling_rate
        assert waveform.shape == (round(seconds * sampling_rate),)
        assert waveform.dtype == np.float32
        (region,) = truth(sample)
        assert 0.0 < region.start < region.end < seconds
        assert 0.28 * seconds <= region.end - region.start <= 0.40 * seconds
        assert 0.0 < region.low < region.high < sampling_rate / 2


def test_no_clip_is_silent_and_none_is_clipped() -> None:
    for sample in clips(speakers=10, clips=5, emotions=["anger", "sadness"], seed=3):
        waveform, _ = render(sample)
        assert np.isfinite(waveform).all()
        assert 0.02 < np.abs(waveform).max() < 1.0
        assert 0.003 < np.sqrt(np.mean(waveform**2)) < 0.2


def test_clips_of_one_carrier_are_equal_outside_the_region_to_the_last_bit() -> None:
    for sample in clips(speakers=4, clips=3, emotions=["neutral"], seed=11):
        (region,) = truth(sample)
        plain, rate = render(sample)
        inside = slice(int(np.ceil(region.start * rate)), int(np.floor(region.end * rate)))
        for emotion in SIX:
            meant = spoken_as(sample, emotion)
            other, _ = render(meant)
            assert truth(meant) == (region,)
            changed = np.flatnonzero(other != plain)
            if emotion == "neutral":
                assert not len(changed)
                continue
            assert changed.min() >= inside.start
            assert changed.max() < inside.stop
            # Past the fades nearly every sample differs: the region is not larger than what changes.
            middle = other[inside] - plain[inside]
            assert np.count_nonzero(middle) > 0.98 * (len(middle) - 2 * FADE_SECONDS * rate)


def test_what_differs_between_two_emotions_lies_in_the_voice_s_band() -> None:
    for sample in clips(speakers=6, clips=2, emotions=["neutral"], seed=12):
        (region,) = truth(sample)
        plain, rate = render(sample)
        for emotion in ("anger", "sadness", "surprise"):
            energy = np.abs(np.fft.rfft(render(spoken_as(sample, emotion))[0] - plain)) ** 2
            hertz = np.fft.rfftfreq(len(plain), 1.0 / rate)
            inside = energy[(hertz >= region.low) & (hertz <= region.high)].sum()
            assert inside / energy.sum() > 0.999


def test_a_spectrogram_with_a_fixed_reference_differs_only_in_the_region() -> None:
    spec = SpeechInput(16000, 2.0, "melspectrogram", {"n_mels": 64, "ref": 100.0})
    reach = 512 / 16000
    for sample in clips(speakers=3, clips=2, emotions=["neutral"], seed=13):
        (region,) = truth(sample)
        pair = np.stack([render(sample)[0], render(spoken_as(sample, "anger"))[0]])
        plain, angry = spec.represent(torch.from_numpy(pair))[:, 0].numpy()
        seconds = spec.axes.seconds
        outside = (seconds < region.start - reach) | (seconds > region.end + reach)
        assert np.abs(plain - angry)[:, outside].max() < 1e-6
        assert np.abs(plain - angry)[:, ~outside].mean() > 0.02
        assert np.abs(plain - angry).max() > 0.2


def test_a_model_gets_the_clip_through_the_data_set() -> None:
    sample = clips(speakers=1, clips=1)[0]
    dataset = Dataset((sample,), (), render, truth)
    spec = SpeechInput(16000, 2.0, "waveform", {})
    assert np.array_equal(recording_of(sample, dataset, spec), render(sample)[0])


@pytest.mark.parametrize(
    ("keys", "named"),
    [
        ({"speakers": 0}, "speakers must be from 1 to 1000, not 0"),
        ({"clips": -1}, "clips must be from 1"),
        ({"seed": -3}, "seed must be from 0"),
        ({"seconds": 0.2}, "seconds must be from 1 to 30, not 0.2"),
        ({"seconds": float("nan")}, "seconds must be from 1 to 30, not nan"),
        ({"sampling_rate": 4000}, "sampling_rate must be from 11025 to 48000, not 4000"),
        ({"emotions": []}, "emotions must be a list with at least one emotion"),
        ({"emotions": "anger"}, "emotions must be a list"),
        ({"emotions": ["anger", "saddness"]}, "unknown emotion 'saddness'; did you mean 'sadness'"),
        ({"emotions": ["fear", "fear"]}, "each may be named once"),
    ],
)
def test_a_key_out_of_range_is_named_with_what_is_allowed(keys: dict[str, Any], named: str) -> None:
    with pytest.raises(UsageError, match=named):
        synthetic(None, **keys)


def test_a_root_is_refused_because_nothing_would_be_read_from_it() -> None:
    with pytest.raises(UsageError, match=r"takes no root, not recordings; leave root out"):
        synthetic(Path("recordings"))


def test_a_sample_of_another_layout_cannot_be_rendered() -> None:
    with pytest.raises(DataError, match=r"clip-1: not a sample of the synthetic layout"):
        render(Sample("clip-1", Path("clip-1.wav"), "anger", {"speaker": "x"}))
    with pytest.raises(DataError, match=r"clip-1: not a sample of the synthetic layout"):
        truth(Sample("clip-1", Path("clip-1.wav"), "anger", {"speaker": "x"}))


def test_an_emotion_without_prosody_cannot_be_rendered() -> None:
    sample = spoken_as(clips(speakers=1, clips=1)[0], "boredom")
    with pytest.raises(DataError, match=f"no prosody called 'boredom' .there are: {', '.join(PROSODY)}"):
        render(sample)


def test_an_emotion_renamed_to_the_model_s_word_sounds_the_same() -> None:
    sample = clips(speakers=1, clips=1, emotions=["surprise"])[0]
    assert np.array_equal(render(replace(sample, emotion="surprised"))[0], render(sample)[0])
