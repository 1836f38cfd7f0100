"""`python -m hub.cli` is `coop-hub`."""

from hub.cli import main

main()
