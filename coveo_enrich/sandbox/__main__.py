"""``python -m coveo_enrich.sandbox``: a Coveo on localhost for programs in any language, until Ctrl-C."""

from __future__ import annotations

import argparse
import contextlib
import errno
import os
import signal
import sys
import time
from pathlib import Path

import attrs

from coveo_enrich.sandbox.sandbox import CoveoSandbox

_DEFAULT_PORT = 8011
_SET = "set" if os.name == "nt" else "export"


@attrs.frozen
class _Options:
    """What the command line says."""

    port: int
    host: str
    data: Path | None
    restricted: bool


def main() -> int:
    """Serve as the command line says, until Ctrl-C or SIGTERM.

    Returns:
        The exit code: 0 when it was ended so, 1 when it could not start.
    """
    options = _options()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        _serve(options)
    except KeyboardInterrupt:
        return 0
    except (ImportError, OSError) as error:
        print(f"error: {_reason(error, options)}", file=sys.stderr)  # noqa: T201 - this is a command
        return 1
    return 0


def _options() -> _Options:
    parser = argparse.ArgumentParser(
        prog="python -m coveo_enrich.sandbox",
        description="A Coveo on localhost: a Stream API, a Field API, and a content browser at /.",
    )
    parser.add_argument("--port", type=_port, default=_DEFAULT_PORT, help="0 picks a free one; default: %(default)s")
    parser.add_argument("--host", default="127.0.0.1", help="where to listen; default: %(default)s")
    parser.add_argument("--data", type=Path, metavar="FILE", help="keep fields and items in this SQLite file")
    parser.add_argument(
        "--restricted",
        action="store_true",
        help="serve one organization and one source, to one API key; otherwise any is accepted",
    )
    return _Options(**vars(parser.parse_args()))


def _port(text: str) -> int:
    port = int(text)
    if port not in range(65_536):
        raise ValueError
    return port


def _serve(options: _Options) -> None:
    sandbox = CoveoSandbox(
        port=options.port, host=options.host, data=options.data, restricted=options.restricted
    ).start()
    try:
        print(_welcome(sandbox, options), flush=True)  # noqa: T201 - this is a command
        with contextlib.suppress(KeyboardInterrupt):
            while True:
                time.sleep(3600)  # Ctrl-C ends a sleep on every system; a wait for a lock only on some
    finally:
        # What was accepted is still written to the file: who does not want to wait for that ends it once more.
        for again in (signal.SIGINT, signal.SIGTERM):
            signal.signal(again, signal.SIG_DFL if options.data else signal.SIG_IGN)
        sandbox.stop()


def _welcome(sandbox: CoveoSandbox, options: _Options) -> str:
    served = "one organization, source and API key" if options.restricted else "any organization, source and API key"
    kept = f"kept in {options.data}" if options.data else "gone when it ends"
    settings = (f"    {_SET} {name}={value}" for name, value in sandbox.environ().items())
    return "\n".join(
        [
            f"A Coveo sandbox listens on {sandbox.url}: it serves {served}; what it holds is {kept}.",
            "",
            *settings,
            "",
            "Ready. Ctrl-C ends it.",
        ]
    )


def _reason(error: Exception, options: _Options) -> str:
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        return f"port {options.port} of {options.host} is taken: name another one with --port"
    return str(error)


if __name__ == "__main__":
    sys.exit(main())
