"""Exported networks, ready to run."""

from __future__ import annotations

from typing import Any, Final

from nasion.errors import NasionError

_THREADS: Final = 2


def model_name(scheme: str, model_sha256: str) -> str:
    """Return how landmark files name the model that found their points: program, scheme, first digits of its hash."""
    return f"nasion {scheme} {model_sha256[:12]}"


def make_session(onnx: bytes) -> Any:
    """Return an ONNX Runtime session on the CPU with two threads; a damaged file raises NasionError."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = _THREADS
    options.log_severity_level = 3
    # threads that spin while they wait are quick on an idle computer and slow by ten times on a busy one
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        reason = str(error).strip().splitlines()[0]
        raise NasionError(f"the network cannot be loaded ({reason}); install the model again") from None
