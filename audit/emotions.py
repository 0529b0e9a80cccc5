"""The emotions a model's manifest names, known before anything heavy is imported."""

from __future__ import annotations

from pathlib import Path

from audit.document import read_document


def emotions_of(manifest: Path) -> tuple[str, ...]:
    """Return the emotions in the order of the model's outputs; the rest of the manifest is not looked at.

    Raises SuiteError with file, line and column where the manifest does not name them rightly, UsageError where
    there is no such file.
    """
    root = read_document(manifest)
    node = root.entries.get("emotions")
    names = tuple(item.value for item in node.items if isinstance(item.value, str)) if node else ()
    if node is None or len(names) != len(node.items) or len(set(names)) != len(names) or len(names) < 2:
        # Only a wrong manifest takes this road: its reader knows what to say, and imports torch to say it.
        from audit.manifest import read_manifest

        return read_manifest(manifest).emotions
    return names
