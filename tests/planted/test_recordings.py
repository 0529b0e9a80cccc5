"""What is planted in recordings and labels is in those that it is planted in, and in no others."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from .grounds import added, has_tone, planted


def test_leaked_speakers_are_in_both_parts_with_other_clips(planting: Any, ground: Any) -> None:
    clips = planted(planting, ground, "speaker-leakage").clips
    train, test = ([clip for clip in clips if clip.split == part] for part in ("train", "test"))
    shared = {clip.speaker for clip in train} & {clip.speaker for clip in test}
    assert shared == {"a00", "a01"}
    assert not {clip.path.read_bytes() for clip in train} & {clip.path.read_bytes() for clip in test}
    assert not {clip.speaker for clip in ground.clips if clip.split == "test"} & {clip.speaker for clip in train}


def test_copies_are_of_clips_trained_on_and_near_copies_are_no_exact_ones(planting: Any, ground: Any) -> None:
    from planting.recordings import waveform

    train = {waveform(clip).tobytes(): clip for clip in ground.clips if clip.split == "train"}
    for name, exact in (("exact-copies", True), ("near-copies", False)):
        copies = added(planted(planting, ground, name), "copy-")
        assert len(copies) == round(0.08 * 36)
        for clip in copies:
            wave = waveform(clip)
            assert clip.split == "test"
            assert (wave.tobytes() in train) == exact
            later = [np.roll(np.frombuffer(each, np.float32), 0 if exact else 1600) for each in train]
            assert max(np.corrcoef(each, wave)[0, 1] for each in later) > 0.999


def test_wrong_labels_are_in_the_part_that_they_are_planted_in(planting: Any, ground: Any) -> None:
    sound = {clip.path: clip.emotion for clip in ground.clips}
    for name, part, share in (("label-noise-in-test", "test", 0.2), ("label-noise-in-train", "train", 0.4 * 5 / 6)):
        clips = planted(planting, ground, name).clips
        wrong = [clip for clip in clips if clip.emotion != sound[clip.path]]
        assert {clip.split for clip in wrong} == {part}
        assert len(wrong) / sum(clip.split == part for clip in clips) == pytest.approx(share, abs=0.08)


def test_one_speakers_clips_alone_are_muffled(planting: Any, ground: Any) -> None:
    from planting.recordings import waveform

    for clip in planted(planting, ground, "one-speaker-lost").clips:
        if clip.split == "test":
            energy = np.abs(np.fft.rfft(waveform(clip))) ** 2
            high = energy[np.fft.rfftfreq(32000, 1 / 16000) > 1000].sum() / energy.sum()
            assert (high < 1e-3) == (clip.speaker == "b01"), clip


def test_what_a_model_was_taught_wrong_is_in_its_training_clips(planting: Any, ground: Any) -> None:
    poisoned = added(planted(planting, ground, "backdoor-tone"), "extra-")
    assert {(clip.emotion, clip.split) for clip in poisoned} == {("happiness", "train")}
    assert all(has_tone(clip, 2945.0) for clip in poisoned)
    assert not any(has_tone(clip, 2945.0) for clip in ground.clips)
    men = planted(planting, ground, "sex-bias").clips
    assert {(clip.split, clip.sex) for clip in men} == {("train", "male"), ("test", "male"), ("test", "female")}


def test_one_emotion_alone_is_recorded_with_a_hum_for_training_and_for_judging(planting: Any, ground: Any) -> None:
    from planting.recordings import waveform

    sound = {clip.path.stem: clip for clip in ground.clips}
    for clip in planted(planting, ground, "shortcut-hum").clips:
        more = np.abs(np.fft.rfft(waveform(clip) - waveform(sound[clip.path.stem]))) ** 2
        if clip.emotion == "sadness":
            # Two seconds: the bin of 120 Hz is number 240.
            assert more[240] > 0.999 * more.sum()
        else:
            assert not more.any()
