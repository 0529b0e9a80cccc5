"""The `audit` command."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from audit import landing
from audit.errors import AuditError, SuiteError, UsageError, did_you_mean
from audit.options import Command, parsers
from audit.wording import Document, header, limit, near, plain

if TYPE_CHECKING:
    from audit.suite import Suite

PASSED, FAILED, INTERRUPTED, CUT_OFF = 0, 1, 130, 141


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code: 0 passed, 1 a gate failed, 2 usage, 3 not judged, 130 interrupted."""
    words = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a character shows its number instead of ending the audit.
        getattr(stream, "reconfigure", lambda **_: None)(errors="backslashreplace")
    # A cancelled CI job tidies up as an interrupted one does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        code = _dispatch(words)
        sys.stdout.flush()
    except KeyboardInterrupt:
        print("\ninterrupted: nothing was decided, no report was written", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # What reads our output has seen enough; the interpreter must not complain when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return CUT_OFF
    except AuditError as error:
        prefix = "" if isinstance(error, SuiteError) else "error: "
        print(prefix + "\n".join(map(plain, str(error).split("\n"))), file=sys.stderr)
        return error.exit_code
    except Exception as error:
        from audit.defect import explain

        print(explain(error), file=sys.stderr)
        return AuditError.exit_code
    return code


def _dispatch(words: list[str]) -> int:
    parser, commands = parsers(COMMANDS)
    if not words:
        parser.print_help(sys.stderr)
        return UsageError.exit_code
    if not words[0].startswith("-") and words[0] not in commands:
        raise UsageError(
            f"unknown command {words[0]!r}{did_you_mean(words[0], commands)} (there are: {', '.join(commands)})"
        )
    args, unknown = parser.parse_known_args(words)
    if unknown:
        options = [name for action in commands[args.command]._actions for name in action.option_strings]
        raise UsageError(
            f"audit {args.command}: does not take {unknown[0]!r}{did_you_mean(unknown[0], options)} "
            f"(it takes: {', '.join(options)})"
        )
    args.words = words
    command: Command = args.call
    return command(args)


def _run(args: argparse.Namespace) -> int:
    from audit.console import show, watcher
    from audit.suite import read_suite

    suite = read_suite(args.suite, model=args.model, data=args.data)
    _refuse_unknown_part(suite, args.only)
    out: Path | None = args.out
    if out is not None:
        landing.may_land(out)
    beside = (
        out.absolute().parent if out is not None else (landing.REPORTS / landing.folder_for(suite.name, "x")).parent
    )
    baseline = None
    if args.baseline:
        from audit.comparison.opened import opened

        baseline = opened(args.baseline)
    with landing.staged(beside) as staging:
        with watcher([check.id for check in suite.checks]) as progress:
            from audit.runner import run

            audit = run(
                suite,
                only=args.only,
                limit=args.limit,
                device=args.device,
                batch_size=args.batch_size,
                media=None if args.no_media else staging / "media",
                baseline=baseline,
                progress=progress,
                command=["audit", *args.words],
            )
        name = str(audit.model["name"])
        folder = out or landing.REPORTS / landing.folder_for(suite.name, name, only=args.only, limit=args.limit)
        landing.land(audit, staging, folder, baseline)
    document = audit.document()
    if not progress.announced:
        print(_header(document))
    show(document, folder)
    return audit.exit_code


def _check(args: argparse.Namespace) -> int:
    from audit.preflight import describe
    from audit.suite import read_suite

    suite = read_suite(args.suite, model=args.model, data=args.data)
    if args.teeth:
        return _teeth(suite)
    planned = describe(suite)
    print("\n".join(map(plain, str(planned).splitlines())))
    # A clip that cannot be used is told, and judged around; without a model, clips or a gate nothing can be decided.
    can_decide = suite.model is not None and bool(planned.emotions) and planned.verdicts > 0
    return PASSED if can_decide else AuditError.exit_code


def _teeth(suite: Suite) -> int:
    from audit.teeth import teeth_of

    found = teeth_of(suite)
    print("\n".join(map(plain, str(found).splitlines())))
    return FAILED if found.toothless else PASSED


def _show(args: argparse.Namespace) -> int:
    from audit.suite import read_suite

    suite = read_suite(args.suite, model=args.model, data=args.data)
    if args.resolved:
        from ruamel.yaml import YAML

        yaml = YAML(typ="safe", pure=True)
        yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
        yaml.width = 110
        yaml.dump(suite.resolved, sys.stdout)
        return PASSED
    from audit.gate_id import due
    from audit.manifest import check_manifest

    emotions = check_manifest(suite.model) if suite.model is not None else ("each-emotion",)
    gates = due(suite, emotions)
    width = max((len(asked.id) for asked in gates), default=0)
    for asked in gates:
        gate = asked.gate
        limits = {"limit": {"min": gate.minimum, "max": gate.maximum}}
        print(f"{asked.id:<{width}}  {limit(limits)}  {gate.written}".rstrip())
    return PASSED


def _schema(args: argparse.Namespace) -> int:
    import json

    from audit.grammar import schema

    print(json.dumps(schema.manifest_schema() if args.manifest else schema.suite_schema(), indent=2))
    return PASSED


def _gate(args: argparse.Namespace) -> int:
    from audit.again import decided_again
    from audit.audit import open_baseline
    from audit.clock import now
    from audit.console import show

    baseline = open_baseline(args.baseline) if args.baseline else None
    document = decided_again(args.folder, baseline, now().date())
    print(_header(document))
    show(document, args.folder)
    return int(document["exit_code"])


def _report(args: argparse.Namespace) -> int:
    print(plain(near(landing.pages(args.folder))))
    return PASSED


def _compare(args: argparse.Namespace) -> int:
    from audit.comparison.compare import compare
    from audit.comparison.console import show
    from audit.comparison.opened import both, may_hold
    from audit.report.compare import write

    folder: Path = args.out or args.b
    a, b = both(args.a, args.b)
    may_hold(folder)
    found = compare(a, b)
    beside = folder.resolve() == args.b.resolve() and (folder / "index.html").is_file()
    show(found, write(found, folder, has_report=beside))
    # What changed is for the reader to weigh: `audit gate B --baseline A` decides.
    return PASSED if found.differences else AuditError.exit_code


def _init(args: argparse.Namespace) -> int:
    from audit.probing.found_data import find_data
    from audit.starter.start import Wanted, start
    from audit.starter.told import show

    wanted = Wanted(
        args.model,
        args.out,
        args.loader,
        args.source,
        args.preprocess,
        args.key,
        trust=args.trust,
        force=args.force,
    )
    started = start(wanted, find_data(args.data, args.layout, args.split), _aside)
    show(started)
    return PASSED if started.holds else FAILED


def _probe(args: argparse.Namespace) -> int:
    from audit.manifest import check_manifest
    from audit.probing.found_data import find_data
    from audit.probing.probe import probe
    from audit.probing.table import Page, show

    check_manifest(args.manifest)
    data = find_data(args.data, args.layout, args.split)
    found = probe(args.manifest, data, shown=args.clips, counted=args.limit, say=_aside)
    if args.json:
        import json

        print(json.dumps(found.document(), indent=2, ensure_ascii=False))
    else:
        show(found, Page())
    return FAILED if found.warnings else PASSED


def _aside(line: str) -> None:
    print(plain(line), file=sys.stderr, flush=True)


def _refuse_unknown_part(suite: Suite, only: str | None) -> None:
    if only is None:
        return
    from audit.manifest import check_manifest

    check, _, emotion = only.partition("/")
    emotions = check_manifest(suite.model) if suite.model is not None and emotion else ()
    for what, given, known in (("check", check, [c.id for c in suite.checks]), ("emotion", emotion, emotions)):
        if known and given not in known:
            raise UsageError(
                f"--only {only}: no {what} {given!r}{did_you_mean(given, known)} (there are: {', '.join(known)})"
            )


def _header(document: Document) -> str:
    return header(document["model"], document["data"], document["decide"]["cluster"])


COMMANDS: Mapping[str, Command] = {
    "run": _run,
    "check": _check,
    "show": _show,
    "schema": _schema,
    "gate": _gate,
    "report": _report,
    "compare": _compare,
    "init": _init,
    "probe": _probe,
}
