"""The keys of a suite: the tables its reader and its JSON Schema are made of."""

from __future__ import annotations

from typing import Final

from audit.grammar.extends import PRESET
from audit.grammar.keys import Key, Table, Variants, method_keys
from audit.grammar.uses import MethodName, MethodUse
from audit.grammar.values import Anything, Choice, Either, ListOf, MapOf, Nothing, Number, Text
from audit.kinds import Method
from audit.suite import SMALLEST, Check, Decide

CHECK_KINDS = ("clean", "corruption", "attack", "saliency", "data", "cost")
ID = Text("letters a-z, digits, dots, hyphens and underscores", r"[a-z0-9_.\-]+")
SHARE = Number(0, 1, above=True)
SPLIT = Variants(
    "a split",
    (
        Table("a random split", (Key("random", SHARE, "share of the clips", required=True),)),
        Table(
            "a split by group",
            (
                Key("by", Text(), "column whose values stay together, such as speaker", required=True),
                Key("share", SHARE, "share of that column's values", required=True),
            ),
        ),
        Table(
            "a split by column",
            (
                Key("column", Text(), "column that says which clips are meant", required=True),
                Key(
                    "values",
                    ListOf(Either((Text(), Number(whole=True), Number())), least=1),
                    "values to judge",
                    required=True,
                ),
            ),
        ),
    ),
)
DATA = (
    Key("layout", MethodName("layout"), "how the recordings lie on disk"),
    Key("root", Text("a path"), "their folder or table, relative to the file that says so"),
    Key(
        "split",
        Either((Text("a value of the column `split`"), SPLIT, Nothing())),
        "which part is judged",
    ),
    Key("rename", MapOf(Text("an emotion of the model")), "the data's emotion names to the model's", default={}),
    Key(
        "emotions",
        ListOf(Text("an emotion of the model"), least=1),
        "the emotions that are judged, where they are not all the model's; clips of others are left out, and counted",
        default=(),
    ),
    Key(
        "undersample",
        Either((Choice((SMALLEST,)), Number(1, whole=True), Nothing())),
        f"at most so many clips of each emotion, after the split; {SMALLEST} for as many as the rarest has",
    ),
    Key("seed", Number(0, whole=True), "seed of the split, and of a layout that draws; decide.seed by default"),
)
REST: Final = "rest"
TRAIN = Key(
    "train",
    Either((Choice((REST,)), MapOf(Anything("what its layout takes")))),
    f"what the model was trained on, for the screens: {REST} for the clips outside the split, or a source of its own",
)
RESERVED = ("layout", "root", "split", "rename")
DECIDE = Table(
    "decide",
    (
        Key("confidence", Number(0.5, 0.9999), "confidence of the intervals", default=Decide.confidence),
        Key("cluster", Either((Text(), Nothing())), "column of dependent clips, such as speaker"),
        Key("when_unsure", Choice(("fail", "pass")), "whether UNSURE blocks", default=Decide.when_unsure),
        Key("seed", Number(0, whole=True), "seed of everything random", default=Decide.seed),
        Key("bootstrap", Number(100, 100_000, whole=True), "bootstrap draws", default=Decide.bootstrap),
    ),
)
COMMON = (
    Key("check", Choice(CHECK_KINDS), "what kind of check", required=True),
    Key("id", ID, "its name; the method's by default"),
    Key("samples", Number(1, whole=True), "judge only that many clips"),
    Key("gates", ListOf(Anything("a gate")), "the limits it must keep", default=()),
)
SWEEP = Key("sweep", MapOf(ListOf(Number(), least=1), least=1, most=1), "{parameter: [values]}", required=True)
SPACE = Key("space", Choice(("input", "waveform")), "what the attack changes", default="input")
WITHOUT_GRADIENTS = Key(
    "without_gradients",
    Choice(("error", "leave_out")),
    "what becomes of a method that needs gradients where the model gives none: its gates are ERROR, or it is left out",
    default=Check.without_gradients,
)
SOUNDNESS = Key(
    "soundness_samples",
    Number(2, whole=True),
    "clips on which it is tested whether the model's robustness is more than masked gradients",
    default=Check.soundness_samples,
)
ATTACK = (SPACE, WITHOUT_GRADIENTS, SOUNDNESS)
SALIENCY_USE = MethodUse("saliency")
FAITHFULNESS_USE = MethodUse("faithfulness", many=("fill",))
SANITY_USE = MethodUse("sanity")
CONFINED_USE = MethodUse("attack")
SANITY = ("parameter_randomisation", "seed_stability", "input_shift")
ENDS = ListOf(Number(), least=2, most=2)
CELLS = ListOf(Number(0, whole=True), least=2, most=2)
REGION = Table(
    "a region",
    (
        Key("hertz", ENDS, "[lowest, highest] frequency"),
        Key("seconds", ENDS, "[first, last] moment"),
        Key("rows", CELLS, "[first, last) row of the input's cells; of faces, pixels from the top"),
        Key("columns", CELLS, "[first, last) column of the input's cells"),
    ),
)
SALIENCY = (
    Key("method", Either((SALIENCY_USE, ListOf(SALIENCY_USE, least=1))), "one or more methods", required=True),
    Key(
        "faithfulness",
        Either((FAITHFULNESS_USE, ListOf(FAITHFULNESS_USE, least=1))),
        "how the maps are scored; the first decides which are shown",
        default="probability_drop",
    ),
    Key("random_masks", Number(1, 1000, whole=True), "random maps they are compared with", default=Check.random_masks),
    Key("sanity", Either((SANITY_USE, ListOf(SANITY_USE))), "tests that the maps must pass", default=SANITY),
    Key("sanity_samples", Number(2, whole=True), "clips they are tested on", default=Check.sanity_samples),
    Key("regions", MapOf(REGION), "parts of the input by name, to be looked for relevance in", default={}),
    Key("confined", CONFINED_USE, "an attack held to the salient cells, and to the least salient, at one epsilon"),
    WITHOUT_GRADIENTS,
)
SCREEN_USE = MethodUse("screen")
SCREENING = (
    Key(
        "method",
        Either((SCREEN_USE, ListOf(SCREEN_USE, least=1))),
        "one or more screens; all that fit the data and have what they need by default",
    ),
)
COST = (
    Key("warm", Number(0, whole=True), "calls before those that are timed", default=Check.warm),
    Key("timed", Number(1, whole=True), "timed calls of one recording each", default=Check.timed),
    Key("batch", Number(1, whole=True), "recordings in a batch, for the throughput", default=Check.batch),
    Key("batches", Number(1, whole=True), "timed calls of a batch each", default=Check.batches),
)
SUITE = Table(
    "a suite",
    (
        Key("version", Choice((1,)), "the version of this format", required=True),
        Key("suite", Text("a name"), "the suite's name in the report", required=True),
        Key("extends", Either((Text("a file"), ListOf(Text("a file")))), f"suites to build on: files, or {PRESET}name"),
        Key("model", Text("a path"), "the model's manifest, relative to this file"),
        Key("data", MapOf(Anything("what its layout takes")), "the recordings"),
        Key("decide", DECIDE, "how verdicts are reached"),
        Key("groups", MapOf(ListOf(Text("an emotion"), least=1)), "groups of emotions for `per: group`", default={}),
        Key("checks", ListOf(Anything("a check"), least=1), "what is checked", required=True),
    ),
)


def attacks_table() -> Table:
    """Return the keys of a check of several attacks, whose own keys stand under their names."""
    about = "attacks, each a name or {name: {its keys}}; gates are on the strongest"
    return Table("a check of several attacks", (*COMMON, Key("method", Anything(), about, True), SWEEP, *ATTACK))


def data_table(layout: Method) -> Table:
    """Return the keys `data` takes with this layout."""
    return _source(layout, "data", (*DATA, TRAIN))


def train_table(layout: Method) -> Table:
    """Return the keys `data.train` takes with this layout."""
    return _source(layout, "data.train", DATA)


def _source(layout: Method, name: str, keys: tuple[Key, ...]) -> Table:
    own = method_keys(layout, without=RESERVED)
    taken = [key.name for key in own]
    return Table(f"{name} with layout {layout.name}", (*(key for key in keys if key.name not in taken), *own))


def check_table(kind: str, method: Method | None, swept: str | None = None) -> Table:
    """Return the keys a check of this kind takes, with the parameters of its method but the swept one."""
    if method is None:
        own = {"saliency": SALIENCY, "data": SCREENING, "cost": COST}.get(kind, ())
        return Table(f"a check of kind {kind}", (*COMMON, *own))
    named = Key("method", MethodName(kind), f"which {kind}", required=True)
    keys = (
        named,
        SWEEP,
        *(ATTACK if kind == "attack" else ()),
        *method_keys(method, without=(swept or "",)),
    )
    return Table(f"{kind} {method.name}", (*COMMON, *keys))
