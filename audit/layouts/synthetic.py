"""Generated speech-like clips in which the time and the frequencies that carry the emotion are known."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from audit.data import Problem, Region, Sample, Waveform
from audit.errors import DataError, UsageError, did_you_mean
from audit.kinds import layout
from audit.layouts.generated import among, within
from audit.layouts.voice.carrier import Carrier, carrier
from audit.layouts.voice.phrase import score, syllables
from audit.layouts.voice.prosody import PROSODY, drawn
from audit.layouts.voice.room import surroundings
from audit.layouts.voice.speaker import speaker
from audit.layouts.voice.tract import Floats, nodes, sing

EMOTIONAL = 0


def truth(sample: Sample) -> tuple[Region, ...]:
    """Return the rectangle outside which the sample's sound does not depend on its emotion; raises DataError.

    A planted tone depends on it and lies outside: it is no truth.
    """
    plan = _plan(sample)
    return (Region(*plan.emotional, *plan.person.band),)


def render(sample: Sample) -> tuple[Waveform, int]:
    """Return (waveform in [-1, 1], sampling rate in Hz), always the same for one sample; raises DataError."""
    plan = _plan(sample)
    # Not sample.emotion: a suite may rename that to what its model calls it.
    emotion = sample.groups.get("prosody", "")
    if emotion not in PROSODY:
        raise DataError(f"{sample.id}: no prosody called {emotion!r} (there are: {', '.join(PROSODY)})")
    first, emotional = _spoken(plan, plan.emotional, EMOTIONAL, emotion)
    others = [_spoken(plan, span, part, "neutral") for part, span in enumerate(plan.others, start=EMOTIONAL + 1)]
    # The level is set by what carries no emotion, or it would tell of the emotion all through the clip.
    level = float(np.sqrt(np.mean(np.square(np.concatenate([voice for _, voice in others])))))
    sound = _surroundings(plan)
    for start, voice in [(first, emotional), *others]:
        sound[start : start + len(voice)] += voice / level
    if sample.groups.get("shortcut") == "planted":
        sound += _tone(sound, plan, float(sample.groups["shortcut_hertz"]), float(sample.groups["shortcut_db"]))
    return (plan.loudness * sound).astype(np.float32), plan.sampling_rate


def _spoken(plan: Carrier, span: tuple[float, float], part: int, emotion: str) -> tuple[int, Floats]:
    """Return where a phrase begins, as a sample number, and its sound."""
    rate = plan.sampling_rate
    first, end = math.ceil(span[0] * rate), math.floor(span[1] * rate)
    times = nodes(end - first, rate)
    played = score(
        times, span[1] - span[0], plan.person, drawn(emotion, plan.rng("manner", part)), plan.rng("score", part)
    )
    return first, sing(played, end - first, rate, plan.person.band, plan.room, plan.rng("breath", part))


def _tone(sound: Floats, plan: Carrier, hertz: float, decibels: float) -> Floats:
    times = np.arange(len(sound)) / plan.sampling_rate
    amplitude = math.sqrt(2.0 * float(np.mean(np.square(sound)))) * 10.0 ** (decibels / 20.0)
    return amplitude * np.sin(2.0 * np.pi * (hertz * times + plan.rng("tone").random()))


def _surroundings(plan: Carrier) -> Floats:
    # Friction keeps the speaker's own rhythm in the emotional phrase too, and so carries no emotion.
    onsets = [
        start + syllables(end - start, plan.person.rate, plan.rng("rhythm", part))[:-1]
        for part, (start, end) in enumerate((plan.emotional, *plan.others))
    ]
    samples = round(plan.seconds * plan.sampling_rate)
    return surroundings(
        np.concatenate(onsets),
        samples,
        plan.sampling_rate,
        plan.person.band[1],
        plan.hiss,
        plan.room,
        plan.rng("surroundings"),
    )


@layout(read=render, truth=truth)
def synthetic(
    root: Path | None,
    *,
    speakers: int = 8,
    clips: int = 10,
    emotions: Sequence[str] = ("anger", "fear", "happiness", "neutral", "sadness", "surprise"),
    seed: int = 0,
    seconds: float = 2.0,
    sampling_rate: int = 16000,
    shortcut: str | None = None,
    shortcut_hertz: float = 3500.0,
    shortcut_db: float = -30.0,
) -> Iterator[Sample | Problem]:
    """Yield generated clips, `clips` per speaker and emotion, in which what carries the emotion is known.

    A test signal, not speech: a source-filter voice babbles vowels between pauses, with friction and hiss. One phrase,
    28 to 40 % of the clip at a random place, is spoken with the prosody of the emotion, and `truth` gives it in
    seconds and Hz. All else is drawn without regard to the emotion: the clips of one carrier (speaker and number)
    are equal, sample for sample, outside that time, and within it differ only in the voice's band. A model may still
    rightly look outside, to learn what is usual for the speaker.
    Directions of prosody: Banse and Scherer (1996), Juslin and Laukka (2003). What a model makes of these clips says
    nothing of how it hears people; it says whether the audit works.

    `shortcut` names an emotion whose clips all have, and no others, a faint steady tone of `shortcut_hertz` (50 to
    half the sampling rate), `shortcut_db` (-80 to 0) beside the clip's level: a cue that has nothing to do with the
    voice, for a model to fall for and an audit to find.

    Groups are speaker, sex, carrier, prosody (the emotion as named here), and the keys a clip is made from, with
    `shortcut` planted or absent where there is one.
    `seconds` is a clip's length (1 to 30), `sampling_rate` in Hz (11025 to 48000); other seeds have other speakers.
    Takes no root. Raises UsageError naming the key that is out of range.
    """
    if root is not None:
        raise UsageError(f"layout synthetic generates its clips and takes no root, not {root}; leave root out")
    within("synthetic", "speakers", speakers, 1, 1000)
    within("synthetic", "clips", clips, 1, 100_000)
    within("synthetic", "seed", seed, 0, 2**63 - 1)
    within("synthetic", "seconds", seconds, 1, 30)
    within("synthetic", "sampling_rate", sampling_rate, 11025, 48000)
    among("synthetic", emotions, PROSODY)
    if shortcut is not None and shortcut not in emotions:
        raise UsageError(
            f"synthetic: shortcut: no clip is spoken with {shortcut!r}{did_you_mean(shortcut, emotions)} "
            f"(spoken: {', '.join(emotions)})"
        )
    within("synthetic", "shortcut_hertz", shortcut_hertz, 50, sampling_rate / 2)
    within("synthetic", "shortcut_db", shortcut_db, -80, 0)
    planted = None if shortcut is None else (shortcut, float(shortcut_hertz), float(shortcut_db))
    return _samples(speakers, clips, tuple(emotions), seed, float(seconds), sampling_rate, planted)


def _samples(
    speakers: int,
    clips: int,
    emotions: tuple[str, ...],
    seed: int,
    seconds: float,
    sampling_rate: int,
    planted: tuple[str, float, float] | None,
) -> Iterator[Sample]:
    for index in range(speakers):
        person = speaker(seed, index)
        for clip in range(clips):
            groups = {
                "speaker": person.name,
                "sex": person.sex,
                "carrier": f"{person.name}-{clip:03d}",
                "seed": str(seed),
                "seconds": repr(seconds),
                "sampling_rate": str(sampling_rate),
            }
            for emotion in emotions:
                own = {**groups, "prosody": emotion, **_cue(emotion, planted)}
                yield Sample(f"{person.name}-{emotion}-{clip:03d}", None, emotion, own)


def _cue(emotion: str, planted: tuple[str, float, float] | None) -> dict[str, str]:
    if planted is None:
        return {}
    carries, hertz, decibels = planted
    return {
        "shortcut": "planted" if emotion == carries else "absent",
        "shortcut_hertz": repr(hertz),
        "shortcut_db": repr(decibels),
    }


def _plan(sample: Sample) -> Carrier:
    try:
        name, clip = sample.groups["carrier"].removeprefix("s").split("-")
        seed, seconds = int(sample.groups["seed"]), float(sample.groups["seconds"])
        return carrier(seed, int(name), int(clip), seconds, int(sample.groups["sampling_rate"]))
    except (KeyError, ValueError) as error:
        raise DataError(
            f"{sample.id}: not a sample of the synthetic layout; its groups must hold carrier, prosody, seed, "
            f"seconds and sampling_rate as the layout writes them ({error})"
        ) from error
