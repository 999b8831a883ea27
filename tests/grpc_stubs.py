"""Python stubs made from `proto/` alone, as a foreign team would make them."""

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def generate() -> None:
    """Makes the stubs of wardwatch.v1 in a directory of their own and puts it on the module path."""
    out = tempfile.TemporaryDirectory(prefix="wardwatch-stubs-")
    _kept.append(out)
    protos = sorted(str(p) for p in (ROOT / "proto/wardwatch/v1").glob("*.proto"))
    command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{ROOT / 'proto'}"]
    subprocess.run([*command, f"--python_out={out.name}", f"--grpc_python_out={out.name}", *protos], check=True)
    sys.path.insert(0, out.name)


_kept: list[tempfile.TemporaryDirectory[str]] = []  # removed when the process ends
