"""Write the contracts anew: `PYTHONPATH=tests .venv/bin/python tests/contracts/renew.py`.

Golden files that are missing are added and never changed. Snapshots (`events.schema.json`, `openapi/*.json`)
are written over: read their difference before it is committed, because callers depend on them.
"""

import sys

from contracts import golden, snapshots


def main() -> None:
    """Add missing golden files and write every snapshot."""
    for file in (*golden.write_missing(), *snapshots.write()):
        sys.stdout.write(f"{file}\n")


if __name__ == "__main__":
    main()
