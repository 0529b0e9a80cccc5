"""Keras on the torch backend, whichever the user's environment names."""

from __future__ import annotations

import os
import sys
from types import ModuleType

from audit.errors import ModelError
from audit.extras import needed

BACKEND = "KERAS_BACKEND"


def keras_of_torch() -> ModuleType:
    """Return Keras 3 on the torch backend; raises ModelError where it already runs on another."""
    needed("h5py", extra="keras")
    given = os.environ.get(BACKEND)
    if "keras" not in sys.modules:
        os.environ[BACKEND] = "torch"
    try:
        framework = needed("keras", extra="keras")
    finally:
        if given is None:
            os.environ.pop(BACKEND, None)
        else:
            os.environ[BACKEND] = given
    if not framework.__version__.startswith("3."):
        raise ModelError(
            f'Keras {framework.__version__} is installed; Keras 3 is due: pip install "emotion-audit[keras]"'
        )
    running = framework.config.backend()
    if running != "torch":
        raise ModelError(
            f"Keras runs on {running} in this process, where gradients do not reach torch; set {BACKEND}=torch before "
            "Keras is first imported, or audit in a process of its own"
        )
    return framework
