"""What the `audit` command takes: its commands and their options."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NoReturn

from audit.errors import UsageError

Command = Callable[[argparse.Namespace], int]
ENDINGS = "exit codes: 0 passed, 1 a gate failed, 2 usage or suite error, 3 could not be judged, 130 interrupted"
STARTED = (
    "Writes NAME.model.yaml and NAME.audit.yaml. What neither the file nor the recordings tell is tried on some clips, "
    "marked `# guessed:` with the reason, and probed on others. Exit codes: those of audit probe"
)
PROBED = (
    "exit codes: 0 nothing to warn of, 1 a warning (answers no better than a guess, one emotion for all, another order "
    "or scale that fits much better), 2 usage or manifest error, 3 the model or the data cannot be used"
)

COMPARED = (
    "Draws compare.html from both folders alone. It is no gate: audit gate B --baseline A decides. "
    "Exit codes: 0 compared, whatever came of it, 2 usage error, 3 nothing is comparable"
)


class Parser(argparse.ArgumentParser):
    """Raises UsageError instead of ending the process; takes no shortened options."""

    def __init__(self, **keys: Any) -> None:
        super().__init__(**keys, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        """Raise UsageError with the usage below the message."""
        raise UsageError(f"{message}\n{self.format_usage().strip()}")


def parsers(calls: Mapping[str, Command]) -> tuple[Parser, dict[str, argparse.ArgumentParser]]:
    """Return the parser and those of its commands, each with the function of `calls` that carries it out."""
    parser = Parser(
        prog="audit",
        description="Decide whether an emotion-recognition model is robust and explainable enough to deploy.",
        epilog=ENDINGS,
    )
    parser.add_argument("--version", action="version", version=f"audit {_version()}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=Parser)
    known: dict[str, argparse.ArgumentParser] = {}

    def add(name: str, about: str, epilog: str | None = None) -> argparse.ArgumentParser:
        known[name] = commands.add_parser(name, help=about, description=about, epilog=epilog)
        known[name].set_defaults(call=calls[name])
        return known[name]

    run = add("run", "judge a model by a suite, write the report, and exit with the decision")
    _takes_suite(run)
    run.add_argument("--only", metavar="CHECK[/EMOTION]", help="one check, or one emotion of it")
    run.add_argument("--limit", metavar="N", type=at_least_one, help="judge N clips only")
    run.add_argument(
        "--device", metavar="D", default="cpu", help="where the model computes: cpu (default), cuda, cuda:1"
    )
    run.add_argument("--batch-size", metavar="N", type=at_least_one, default=32, help="clips at a time (default 32)")
    run.add_argument("--no-media", action="store_true", help="leave voices and pictures out of the report")
    _takes_baseline(run)
    run.add_argument("--out", metavar="DIR", type=Path, help="the report's folder (default reports/SUITE/MODEL)")
    check = add("check", "say what is wrong with a suite and what it will cost; loads no model")
    _takes_suite(check)
    check.add_argument("--teeth", action="store_true", help="say which gates a model that knows nothing would pass")
    show = add("show", "print a suite's gates, or the suite with everything filled in")
    _takes_suite(show)
    show.add_argument("--resolved", action="store_true", help="the suite as YAML: extends merged, defaults filled in")
    schema = add("schema", "print the JSON Schema of suites, for editors")
    schema.add_argument("--manifest", action="store_true", help="the schema of model manifests instead")
    gate = add("gate", "print a finished audit's decision, as of today, and exit with it; needs neither model nor data")
    gate.add_argument("folder", metavar="DIR", type=Path, help="the folder of a finished audit")
    _takes_baseline(gate)
    report = add("report", "draw the pages of a finished audit again, without model or data")
    report.add_argument("folder", metavar="DIR", type=Path, help="the folder of a finished audit")
    about = "set two finished audits beside each other, pair by pair; decides nothing"
    _compare(add("compare", about, COMPARED))
    _init(add("init", "look at a model's file and at recordings; write a manifest and a suite that run", STARTED))
    about = "print what a model answers for a few clips, and what is probably wrong with its manifest"
    _probe(add("probe", about, PROBED))
    return parser, known


def _compare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("a", metavar="A", type=Path, help="the folder of the earlier audit, or of the one to go by")
    parser.add_argument("b", metavar="B", type=Path, help="the folder of the audit in question")
    parser.add_argument("--out", metavar="DIR", type=Path, help="where compare.html is written (default: into B)")


def _init(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--model",
        metavar="FILE",
        type=Path,
        required=True,
        help="the trained model: a file, or a folder of transformers",
    )
    _takes_data(parser)
    parser.add_argument("--out", metavar="DIR", type=Path, default=Path(), help="where both are written (default here)")
    parser.add_argument("--loader", metavar="NAME", help="what opens the model, where its file leaves that open")
    parser.add_argument(
        "--source", metavar="FILE.py:FUNCTION", type=_function, help="the function that builds the untrained network"
    )
    parser.add_argument(
        "--preprocess",
        metavar="FILE.py:FUNCTION",
        type=_function,
        help="the function that makes the model's input of a recording, where no representation does",
    )
    parser.add_argument("--key", metavar="NAME", help="which entry is the model, in a file that holds several by name")
    parser.add_argument("--trust", action="store_true", help="open a file that can run code: you know where it is from")
    parser.add_argument("--force", action="store_true", help="overwrite a manifest or suite of the same name")


def _probe(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("manifest", metavar="MANIFEST", type=Path, help="the model's *.model.yaml")
    _takes_data(parser)
    parser.add_argument("--clips", metavar="N", type=at_least_one, default=8, help="clips that are listed (default 8)")
    parser.add_argument(
        "--limit", metavar="N", type=at_least_one, default=200, help="clips that accuracy is over (default 200)"
    )
    parser.add_argument("--json", action="store_true", help="print it as JSON")


def _takes_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", metavar="ROOT", type=Path, help="the recordings: their folder or table")
    parser.add_argument("--layout", metavar="NAME", help="how they lie there (default: found out)")
    parser.add_argument(
        "--split", metavar="[COLUMN=]VALUE", help="only clips with this value in the column, `split` if none is named"
    )


def _takes_suite(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("suite", metavar="SUITE", type=Path, help="a *.audit.yaml file")
    parser.add_argument("--model", metavar="M", type=Path, help="the model's *.model.yaml, in place of the suite's own")
    parser.add_argument("--data", metavar="ROOT", type=Path, help="the data's folder, in place of the suite's own")


def _takes_baseline(parser: argparse.ArgumentParser) -> None:
    about = "a finished audit, such as the last release's, that gates on changes compare with"
    parser.add_argument("--baseline", metavar="DIR", type=Path, help=about)


def at_least_one(text: str) -> int:
    """Return a whole number from 1 up; raises ArgumentTypeError."""
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def _function(text: str) -> str:
    file, colon, name = text.rpartition(":")
    if not colon or not file.endswith(".py") or not name.isidentifier():
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form file.py:function")
    if not Path(file).is_file():
        raise argparse.ArgumentTypeError(f"{file}: no such file")
    return text


def _version() -> str:
    try:
        return version("emotion-audit")
    except PackageNotFoundError:
        return "(not installed)"
