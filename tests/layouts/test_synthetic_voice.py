"""The generated voice: measured from its sound, against what was asked and what the literature found."""

from __future__ import annotations

from dataclasses import replace

import librosa
import numpy as np
import pytest
from numpy.typing import NDArray

from audit.data import Sample
from audit.layouts.synthetic import render, synthetic, truth
from audit.layouts.voice.prosody import PROSODY, SPREAD, drawn
from audit.layouts.voice.speaker import speaker
from audit.layouts.voice.tract import ROOM_HERTZ, Score, nodes, pulses, sing

Measures = dict[str, NDArray[np.float64]]


@pytest.fixture(scope="module")
def measured() -> dict[str, Measures]:
    """Per emotion, over the same 24 carriers: pitch, its movement and rise, level, brightness, rhythm of the region."""
    carriers = [s for s in synthetic(None, speakers=8, clips=3, emotions=["neutral"], seed=21) if isinstance(s, Sample)]
    found: dict[str, Measures] = {}
    for emotion in PROSODY:
        rows = [_measure(replace(sample, groups={**sample.groups, "prosody": emotion})) for sample in carriers]
        found[emotion] = {key: np.array([row[key] for row in rows]) for key in rows[0]}
    return found


def _measure(sample: Sample) -> dict[str, float]:
    waveform, rate = render(sample)
    (region,) = truth(sample)
    voice = waveform[round(region.start * rate) : round(region.end * rate)]
    pitch = librosa.yin(voice, fmin=60, fmax=600, sr=rate, frame_length=1024, hop_length=128)
    level = librosa.feature.rms(y=voice, frame_length=512, hop_length=128)[0][: len(pitch)]
    sounding = pitch[level > 0.2 * level.max()]
    semitones = 12 * np.log2(sounding / float(np.median(sounding)))
    third = max(1, len(sounding) // 4)
    energy = np.abs(np.fft.rfft(voice)) ** 2
    hertz = np.fft.rfftfreq(len(voice), 1 / rate)
    envelope = librosa.feature.rms(y=voice, frame_length=256, hop_length=160)[0]
    slow = np.abs(np.fft.rfft(envelope - envelope.mean(), 1024)) ** 2
    rhythm = np.fft.rfftfreq(1024, 160 / rate)
    syllabic = (rhythm > 1.5) & (rhythm < 12)
    return {
        "pitch": float(np.median(sounding)) / speaker(21, int(sample.groups["speaker"][1:])).pitch,
        "movement": float(np.percentile(semitones, 85) - np.percentile(semitones, 15)),
        "rise": float(np.median(semitones[-third:]) - np.median(semitones[:third])),
        "level": float(10 * np.log10(np.mean(voice**2))),
        "brightness": float(10 * np.log10(energy[(hertz > 1000) & (hertz < 4000)].sum() / energy[hertz < 1000].sum())),
        "rhythm": float((rhythm * slow)[syllabic].sum() / slow[syllabic].sum()),
    }


@pytest.mark.parametrize(
    ("cue", "more", "less", "least"),
    [
        ("pitch", "fear", "anger", 1.05),
        ("pitch", "anger", "neutral", 1.15),
        ("pitch", "happiness", "neutral", 1.15),
        ("pitch", "surprise", "neutral", 1.10),
        ("pitch", "neutral", "sadness", 1.08),
    ],
)
def test_mean_pitch_is_ordered_as_in_the_literature(
    measured: dict[str, Measures], cue: str, more: str, less: str, least: float
) -> None:
    assert np.median(measured[more][cue] / measured[less][cue]) > least


@pytest.mark.parametrize(
    ("cue", "more", "less", "least"),
    [
        ("movement", "happiness", "neutral", 1.0),
        ("movement", "happiness", "fear", 0.5),
        ("movement", "surprise", "sadness", 1.0),
        ("rise", "surprise", "neutral", 4.0),
        ("rise", "surprise", "happiness", 3.0),
        ("rise", "neutral", "sadness", 1.0),
        ("level", "anger", "happiness", 1.5),
        ("level", "happiness", "neutral", 1.5),
        ("level", "neutral", "fear", 0.0),
        ("level", "fear", "sadness", 0.3),
        ("brightness", "anger", "happiness", 1.0),
        ("brightness", "happiness", "neutral", 1.0),
        ("brightness", "neutral", "sadness", 2.0),
        ("rhythm", "fear", "neutral", 0.2),
        ("rhythm", "neutral", "sadness", 0.2),
    ],
)
def test_movement_level_brightness_and_rhythm_are_ordered_as_in_the_literature(
    measured: dict[str, Measures], cue: str, more: str, less: str, least: float
) -> None:
    assert np.median(measured[more][cue] - measured[less][cue]) > least


def test_a_neutral_phrase_is_spoken_at_the_speaker_s_own_pitch(measured: dict[str, Measures]) -> None:
    assert np.all(np.abs(12 * np.log2(measured["neutral"]["pitch"])) < 4.0)
    assert abs(np.median(12 * np.log2(measured["neutral"]["pitch"]))) < 1.0


def test_no_cue_alone_tells_the_emotions_apart(measured: dict[str, Measures]) -> None:
    """The clips overlap: neutral is at times louder than happiness, and as high as anger."""
    assert measured["neutral"]["level"].max() > measured["happiness"]["level"].min()
    assert measured["neutral"]["pitch"].max() > measured["anger"]["pitch"].min()
    assert measured["fear"]["brightness"].max() > measured["happiness"]["brightness"].min()


def test_women_speak_higher_than_men() -> None:
    people = [speaker(seed, index) for seed in range(3) for index in range(8)]
    assert min(p.pitch for p in people if p.sex == "female") > max(p.pitch for p in people if p.sex == "male")
    assert min(p.tract for p in people if p.sex == "female") > max(p.tract for p in people if p.sex == "male")


def test_chance_in_the_manner_of_speaking_is_the_same_for_every_emotion() -> None:
    angry, sad = (drawn(emotion, np.random.default_rng(4)) for emotion in ("anger", "sadness"))
    strength = (angry.gain - sad.gain) / (PROSODY["anger"].gain - PROSODY["sadness"].gain)
    assert 0.75 <= strength <= 1.25
    neutral = PROSODY["neutral"]
    for got, emotion in ((angry, "anger"), (sad, "sadness")):
        chance = got.gain - neutral.gain - strength * (PROSODY[emotion].gain - neutral.gain)
        assert abs(chance) <= SPREAD.gain


def test_pulses_equal_the_sum_of_their_harmonics() -> None:
    pitch = np.linspace(90.0, 240.0, 2000)
    periods = np.cumsum(pitch) / 16000 + 0.3
    count = np.floor(1.1 * 3600.0 / pitch)
    slow = np.zeros(len(pitch))
    for index, (period, harmonics) in enumerate(zip(periods, count, strict=True)):
        slow[index] = sum(np.cos(2 * np.pi * k * period) for k in range(1, int(harmonics) + 1))
    assert np.allclose(pulses(pitch, 16000, 3600.0, 0.3), slow * np.sqrt(pitch / 4000.0), atol=1e-8)


def test_a_pulse_at_phase_zero_is_the_number_of_harmonics() -> None:
    assert pulses(np.full(3, 16000 / 64), 16000, 3600.0, -1 / 64)[0] == pytest.approx(15 * np.sqrt(250 / 4000))


def test_a_held_note_has_its_harmonics_its_formants_and_nothing_outside_its_band() -> None:
    samples = 16000
    count = len(nodes(samples, 16000))
    formants = np.repeat(np.array([[730.0], [1090.0], [2440.0], [3500.0]]), count, axis=1)
    score = Score(np.full(count, 125.0), np.ones(count), 0.0, formants, -6.0)
    sound = sing(score, samples, 16000, (50.0, 3600.0), np.ones(len(ROOM_HERTZ)), np.random.default_rng(0))
    power = np.abs(np.fft.rfft(sound * np.hanning(samples))) ** 2
    harmonics = power[125:3600:125]
    assert harmonics.sum() > 0.3 * power.sum()
    assert power[np.arange(125, 3600, 125) + 62].max() < 3e-3 * harmonics.max()
    assert 125 * (1 + int(harmonics.argmax())) in (625, 750, 1000, 1125)
    assert power[3700:].sum() + power[:40].sum() < 1e-4 * power.sum()
    assert sound[0] == 0.0
    assert abs(sound[-1]) < 1e-12
