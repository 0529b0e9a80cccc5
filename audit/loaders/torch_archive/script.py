"""Whether the code in a TorchScript archive does more than compute."""

from __future__ import annotations

import re

from audit.loaders.torch_archive.archive import Archive

FILES = re.compile(r"\b(save|from_file)\b")
OPERATIONS = frozenset({"aten", "prim", "prims", "quantized", "_quantized", "sparse", "mkldnn", "onednn"})
CLASSES = frozenset({"quantized", "rnn", "sparse", "mkldnn", "xnnpack"})
FOREIGN = re.compile(rf"(?<![.\w])ops\b(?!\s*\.\s*(?:{'|'.join(OPERATIONS)})\b)")
FOREIGN_CLASS = re.compile(rf"torch\.classes\.(?!(?:{'|'.join(CLASSES)})\b)")
PLAIN_ATTRIBUTE = re.compile(r'\bgetattr\((?:\w+|\(\w+\))(?:\.\w+)*, "[^"\\]+"\)')


def reach(archive: Archive) -> str | None:
    """Return how the code reaches beyond computing, in words, or None where it does not.

    TorchScript cannot call Python, but `torch.save` writes files and `torch.from_file` maps them into memory, and
    operations of extensions do whatever those were written for. Names are looked for as text, wherever they stand:
    what merely looks alike is refused with the rest.
    """
    if "model.json" in archive.names:
        return "is in the format of torch before 1.0, which keeps its code anywhere"
    for name in archive.names:
        if name.endswith((".py", ".pkl")):
            found = _reach(archive.read(name).decode("utf-8", "replace"), code=name.endswith(".py"))
            if found is not None:
                return f"{found} ({name})"
    return None


def _reach(text: str, *, code: bool) -> str | None:
    if FOREIGN_CLASS.search(text):
        return "makes objects of an extension to torch"
    if not code:
        return None
    touched = FILES.search(text)
    if touched:
        return f"names `{touched[0]}`, with which TorchScript reads and writes files"
    if FOREIGN.search(text):
        return "calls operations of an extension to torch"
    # A name could be put together of pieces, `getattr(torch, "sa" "ve")`; torch itself writes plain ones.
    while (shorter := PLAIN_ATTRIBUTE.sub("_", text)) != text:
        text = shorter
    return "looks up an attribute by a name that is not plain" if re.search(r"\bgetattr\b", text) else None
