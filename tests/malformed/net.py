"""Networks and functions that are broken, each in its own way."""

import numpy as np
from torch import nn


class Net(nn.Module):
    def __init__(self, emotions=3):
        super().__init__()
        self.head = nn.Linear(2000, emotions)

    def forward(self, waveforms):
        return self.head(waveforms)


class Divides(Net):
    def forward(self, waveforms):
        return self.head(waveforms) * 0 / 0


class Careless(Net):
    def forward(self, waveforms):
        return self.head(waveforms.sub_(0.1))


class Cube(Net):
    def forward(self, waveforms):
        return self.head(waveforms)[:, :, None]


class Strict(Net):
    def forward(self, waveforms):
        raise ValueError("waveforms must be stereo")


class Picky(Net):
    def forward(self, waveforms):
        assert float(waveforms.abs().max()) < 0.45, "too loud for me"
        return self.head(waveforms)


def fails(**_):
    raise FileNotFoundError("vocabulary.txt")


def dictionary(**_):
    return {"head": 1}


def text(waveforms):
    return [["calm", "angry", "sad"]] * len(waveforms)


def nothing(waveforms):
    return None


def one_row(waveforms):
    return np.zeros((1, 3))


def scores(waveforms):
    return np.stack([waveforms[:, 5], waveforms[:, 9], waveforms[:, 15]], axis=1)


def sure(waveforms):
    e = np.exp(scores(waveforms))
    return e / e.sum(1, keepdims=True)


def some_nan(waveforms):
    found = scores(waveforms)
    # The high tones alone.
    found[np.square(np.diff(waveforms, axis=1)).mean(1) > 0.2] = np.nan
    return found


def some_break(waveforms):
    if (np.square(np.diff(waveforms, axis=1)).mean(1) > 0.2).any():
        raise ZeroDivisionError("division by zero")
    return scores(waveforms)


DRAW = np.random.default_rng(0)


def random(waveforms):
    return DRAW.normal(size=(len(waveforms), 3)) - 5


def first_is_angry(waveforms):
    found = scores(waveforms) - 5
    found[0] = (0, 9, -9)
    return found


def against_the_mean(waveforms):
    found = scores(waveforms)
    return 30 * (found - found.mean(0)) - 9


def in_order(waveforms):
    return np.sort(scores(waveforms), axis=0) * 30 - 9


def silence(waveform, rate):
    return np.full_like(waveform, np.nan)


def loud(waveform, rate):
    return np.where(np.abs(waveform) < 0.49, waveform, np.nan)


def ragged(waveform, rate):
    return waveform[: int(1000 + 1000 * waveform[3])]
