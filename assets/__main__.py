"""`python -m assets webserver --port N [--read-only]` and `python -m assets daemon`: Dagster's own servers on this hub's home."""

from __future__ import annotations

import sys


def main(arguments: list[str]) -> None:
    """Prepares the home, then becomes Dagster's webserver or daemon.

    The webserver listens on loopback only: the open-source UI has no login of its own.
    """
    from assets.instance import prepare_dagster_home
    from hub.settings import load_settings

    settings = load_settings()
    prepare_dagster_home(settings)
    what, rest = (arguments[0] if arguments else ""), arguments[1:]
    if what == "webserver":
        from dagster_webserver.cli import main as webserver

        sys.argv = ["dagster-webserver", "-h", "127.0.0.1", "-m", "assets.definitions", *rest]
        webserver()  # type: ignore[no-untyped-call]
    elif what == "daemon":
        from dagster._daemon.cli import main as daemon

        sys.argv = ["dagster-daemon", "run", "-m", "assets.definitions", *rest]
        daemon()
    else:
        sys.exit("用法 usage: python -m assets webserver|daemon")


if __name__ == "__main__":
    main(sys.argv[1:])
