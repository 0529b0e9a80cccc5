"""The keys of a model's manifest: the tables its reader and its JSON Schema are made of."""

from __future__ import annotations

from audit.grammar.keys import ByKey, Key, Table, Variants
from audit.grammar.uses import MethodUse
from audit.grammar.values import Anything, Choice, Either, Flag, ListOf, MapOf, Nothing, Number, Text

SOURCE = r"[^:]+\.py:[A-Za-z_][A-Za-z0-9_]*"
REPRESENTATION = MethodUse("representation")
NUMBERS = Either((Number(), ListOf(Number(), least=1)))
SCALING = Variants(
    "a scaling",
    (
        Table(
            "a scaling onto a range",
            (
                Key("low", Number(), "where the representation's lowest value comes to lie", required=True),
                Key("high", Number(), "where its highest does", required=True),
            ),
        ),
        Table(
            "a scaling by mean and deviation",
            (
                Key("mean", NUMBERS, "subtracted: a number, or one per channel", required=True),
                Key("std", NUMBERS, "divided by: a number, or one per channel", required=True),
            ),
        ),
        Table(
            "a scaling of each clip by itself",
            (Key("per_clip", Choice(("standard", "unit")), "to mean 0 and deviation 1, or to [0, 1]", required=True),),
        ),
        Table(
            "a scaling from a file",
            (Key("file", Text("a path"), ".npz or .json with mean and std, or min and max", required=True),),
        ),
    ),
)
CHUNKS = Table(
    "chunks",
    (
        Key("frames", Number(1, whole=True), "columns of a piece", required=True),
        Key("step", Number(1, whole=True), "columns from one piece to the next", required=True),
    ),
)
COMMON = (
    Key("preprocess", Text("file.py:function", SOURCE), "in place of a representation: recording to input, in numpy"),
    Key("scaling", SCALING, "what is done to the values: {low: -1, high: 1}, {mean: 0.5, std: 0.25}, ..."),
    Key("order", Text("axes, n first: nhwc, ntf, n1s", r"n[a-z1]*"), "the order of axes the model takes"),
)
MODALITY = Choice(("speech", "face", "video", "audiovisual"))
HEARD = (
    Key("sampling_rate", Number(1000, 384_000, whole=True), "Hz the model was trained at", required=True),
    Key("seconds", Number(0, 3600, above=True), "how much of a clip the model hears", required=True),
    Key("offset", Number(0, 3600), "seconds into the clip at which that begins", default=0.0),
    Key("pad", Choice(("end", "start", "center", "repeat")), "how a shorter clip is filled up", default="end"),
)
SEEN = (
    Key("frames", Number(1, 1024, whole=True), "how many frames, evenly over the recording", required=True),
    Key("height", Number(1, 4096, whole=True), "pixels", required=True),
    Key("width", Number(1, 4096, whole=True), "pixels", required=True),
    Key("face", Choice(("find", "whole")), "find and cut out the face, or take whole frames", default="find"),
    Key("equalise", Flag(), "equalise the histogram of every frame", default=True),
    Key("smoothing", Number(0, 100), "deviation, in pixels, of the Gaussian that smooths every frame", default=1.0),
)
SPEECH = Table(
    "an input",
    (
        Key("modality", MODALITY, "what the recordings are", default="speech"),
        *HEARD,
        Key("representation", REPRESENTATION, "waveform, or {melspectrogram: {n_mels: 128, ...}}"),
        *COMMON,
        Key("chunks", CHUNKS, "the clip as a stack of pieces, an axis k: {frames: 32, step: 16}"),
    ),
)
FACE = Table(
    "an input of faces",
    (
        Key("modality", MODALITY, "what the recordings are", required=True),
        Key("height", Number(1, 4096, whole=True), "pixels", required=True),
        Key("width", Number(1, 4096, whole=True), "pixels", required=True),
        Key("colour", Choice(("grey", "rgb")), "channels", default="grey"),
        Key(
            "resize", Choice(("bilinear", "bicubic", "nearest", "box")), "how pictures are resized", default="bilinear"
        ),
        Key("representation", REPRESENTATION, "pixels, values in [0, 1]"),
        *COMMON,
    ),
)
VIDEO = Table(
    "an input of videos",
    (
        Key("modality", MODALITY, "what the recordings are", required=True),
        *SEEN,
        Key("representation", REPRESENTATION, "frames, values in [0, 1]"),
        *COMMON,
    ),
)
AUDIOVISUAL = Table(
    "an input of videos with sound",
    (
        Key("modality", MODALITY, "what the recordings are", required=True),
        Key("sound", Table("a sound", HEARD), "what is heard: {sampling_rate: 16000, seconds: 3.0}", required=True),
        Key("picture", Table("a picture", SEEN), "what is seen: {frames: 16, height: 48, width: 48}", required=True),
    ),
)
MANIFEST = Table(
    "a manifest",
    (
        Key("version", Choice((1,)), "the version of this format", required=True),
        Key("model", Text("a name"), "the model's name in the report", required=True),
        Key("loader", MethodUse("loader"), "which loader opens it, or {loader: {its own keys}}", required=True),
        Key("source", Text("file.py:function", SOURCE), "the function that builds the untrained model"),
        Key("arguments", MapOf(Anything()), "keyword arguments of that function", default={}),
        Key("weights", Text("a path"), "the trained weights, relative to this file"),
        Key("key", Text("a key"), "the entry of a checkpoint that holds the weights: state_dict"),
        Key("trust", Flag(), "allow a file that can run code when opened (a pickled module)", default=False),
        Key(
            "input",
            ByKey("modality", {"speech": SPEECH, "face": FACE, "video": VIDEO, "audiovisual": AUDIOVISUAL}, "speech"),
            "how a recording becomes the model's input",
            required=True,
        ),
        Key(
            "activation",
            Choice(("none", "softmax", "log_softmax", "sigmoid")),
            "what the model applies to its outputs; found out where it is not said",
        ),
        Key(
            "emotions",
            ListOf(Text("an emotion's name"), least=2),
            "the emotions in the order of the model's outputs",
            required=True,
        ),
        Key(
            "rename",
            MapOf(Either((Text("an emotion's name"), Nothing()))),
            "names of outputs to emotions; those of one name are summed, null leaves one out",
            default={},
        ),
        Key("card", Text("a path"), "a page about the model: data, licence, results"),
    ),
)
