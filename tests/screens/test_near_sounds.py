"""Near copies of clips: what is found in another form, and what is not."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
import soundfile
import soxr

from audit.checks.data import DataRun
from audit.screening import Decoded
from audit.screens.near.sounds import HOP, Landmarks, Match, in_step, landmarks
from audit.screens.near.sounds import RATE as OWN_RATE

from .made import RATE, Floats, found_by, voice

SPOKEN = 12
Form = Callable[[Floats], Floats]


def encoded(sound: Floats, container: str, subtype: str) -> Floats:
    held = io.BytesIO()
    soundfile.write(held, sound, RATE, format=container, subtype=subtype)
    held.seek(0)
    return soundfile.read(held, dtype="float32")[0]


def noisy(sound: Floats, snr_db: float) -> Floats:
    noise = np.random.default_rng(0).normal(0, 1, len(sound)) * np.sqrt(np.mean(sound**2)) * 10 ** (-snr_db / 20)
    return (sound + noise).astype(np.float32)


FORMS: dict[str, Form] = {
    "of another gain": lambda sound: 0.3 * sound,
    "as Vorbis": lambda sound: encoded(sound, "OGG", "VORBIS"),
    "as MP3": lambda sound: encoded(sound, "MP3", "MPEG_LAYER_III"),
    "with noise 20 dB below": lambda sound: noisy(sound, 20),
    "half a second later": lambda sound: np.pad(sound, (RATE // 2, 0)),
    "a little later": lambda sound: np.pad(sound, (777, 0)),
    "cut at the beginning": lambda sound: sound[int(0.3 * RATE) + 11 :],
    "trimmed on both sides": lambda sound: sound[len(sound) // 6 : -len(sound) // 6],
    "at another rate and back": lambda sound: soxr.resample(soxr.resample(sound, RATE, 22050), 22050, RATE),
}


def kept(sound: Floats, rate: int = RATE) -> Landmarks:
    return landmarks(Decoded(sound.astype(np.float32), rate))


def near(matches: list[Match]) -> dict[int, int]:
    return {match.one: match.other for match in matches if match.share >= 0.06 and match.shared >= 12}


@pytest.fixture(scope="module")
def voices() -> list[Floats]:
    return [voice(seed) for seed in range(SPOKEN)]


@pytest.fixture(scope="module")
def others(voices: list[Floats]) -> list[Landmarks]:
    return [kept(sound) for sound in voices]


@pytest.mark.parametrize("form", FORMS)
def test_a_clip_is_found_in_another_form(form: str, voices: list[Floats], others: list[Landmarks]) -> None:
    found = near(list(in_step([kept(FORMS[form](sound)) for sound in voices], others)))
    assert found == {number: number for number in range(SPOKEN)}


def test_other_voices_are_not_found(voices: list[Floats], others: list[Landmarks]) -> None:
    assert near(list(in_step(others[:6], others[6:]))) == {}
    noise = np.random.default_rng(1).normal(0, 0.1, 3 * RATE)
    assert near(list(in_step([kept(noise)], others))) == {}


def test_the_time_between_two_copies_is_told(voices: list[Floats], others: list[Landmarks]) -> None:
    (match,) = in_step([kept(np.pad(voices[0], (RATE // 4, 0)))], others)
    assert match.seconds == pytest.approx(0.25, abs=HOP / OWN_RATE)
    (match,) = in_step([kept(voices[0][RATE // 2 :])], others)
    assert match.seconds == pytest.approx(-0.5, abs=HOP / OWN_RATE)


def test_clips_without_landmarks_are_like_no_other(others: list[Landmarks]) -> None:
    silent, short = kept(np.zeros(RATE)), kept(np.full(10, 0.1))
    assert len(silent.names) == 0
    assert list(in_step([silent, short], others)) == []
    assert list(in_step(others, [silent])) == []
    assert list(in_step(others, [])) == []


def test_landmarks_in_step_are_those_that_counting_every_pair_finds(others: list[Landmarks]) -> None:
    one, other = others[0], Landmarks(others[0].names[::2], others[0].frames[::2] + 3)
    offsets = [
        int(mine - theirs)
        for name, mine in zip(one.names, one.frames, strict=True)
        for twin, theirs in zip(other.names, other.frames, strict=True)
        if name == twin
    ]
    most = max(sum(abs(offset - middle) <= 1 for offset in offsets) for middle in set(offsets))
    (match,) = in_step([one], [other])
    assert (match.shared, match.share) == (most, most / len(other.names))
    assert match.seconds == pytest.approx(-3 * HOP / OWN_RATE, abs=1.01 * HOP / OWN_RATE)


def test_a_near_copy_is_told_with_its_partner(screened: Callable[..., DataRun], voices: list[Floats]) -> None:
    judged = {"anger/a": 0.4 * np.pad(voices[0], (RATE // 4, 0)), "fear/b": voices[1]}
    run = screened(judged, {"anger/x": voices[0], "fear/y": voices[2]}, "near_copies", "exact_copies")
    scores = found_by(run)
    assert scores["near_copies"] == {"anger/a": 1.0, "fear/b": 0.0}
    assert set(scores["exact_copies"].values()) == {0.0}
    told = run.found["near_copies"]["anger/a"]
    assert told.startswith("the same recording as train/anger/x.wav in the train set, with the same label (")
    assert told.endswith("landmarks in step, 0.25 s later)")
