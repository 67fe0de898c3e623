"""The worker process of embedded mode: keeps the read models up to date, and ends with the supervisor."""

import sys

from patron_cli.embedded.parent import end_with_parent
from patron_projections.app import main

if __name__ == "__main__":
    end_with_parent()
    sys.exit(main(["worker"]))
