"""Serves the pictures of an example catalog on loopback, as an image host would."""

from __future__ import annotations

import contextlib
import functools
import http.server
import threading
from collections.abc import Generator
from pathlib import Path

__all__ = ["pictures_of"]


@contextlib.contextmanager
def pictures_of(folder: Path) -> Generator[str]:
    """Serve a folder on a free loopback port; yields ``host:port``."""
    handler = functools.partial(_PictureHandler, directory=str(folder.resolve()))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, name="pictures", daemon=True)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class _PictureHandler(http.server.SimpleHTTPRequestHandler):
    """Serves files of one folder; no lists of files, and no link that leads out of it."""

    def do_GET(self) -> None:
        try:
            file = Path(self.translate_path(self.path)).resolve()
            inside, there = file.is_relative_to(Path(self.directory).resolve()), file.is_file()
        except (OSError, ValueError):  # a name that no file can have
            inside, there = True, False
        if not inside:
            self.send_error(403, "it leaves the folder of the catalog")
        elif not there:
            self.send_error(404)
        else:
            super().do_GET()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Say nothing: what was seen says enough."""
