"""What a process of the service loads before it is asked for anything."""

import subprocess
import sys

HEAVY = ("matplotlib", "numpy", "pandas", "plotext", "pyarrow", "scipy")
LOADED = "import patron_projections.app, sys; print(*sorted({one.partition('.')[0] for one in sys.modules}))"


def test_heavy_libraries_wait_until_they_are_needed() -> None:
    loaded = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True).stdout.split()
    assert "patron_projections" in loaded
    assert set(HEAVY).isdisjoint(loaded)
