"""A real nginx on loopback, which serves a folder."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cli.broker import free_port, stop

CONFIG = """
daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; worker_processes 1;
events {{ worker_connections 64; }}
http {{
  types {{ application/rss+xml xml; }}
  access_log {folder}/access.log;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  gzip on; gzip_types application/rss+xml; gzip_min_length 1;
  limit_req_zone $server_port zone=slow:1m rate=1r/m;
  server {{
    listen 127.0.0.1:{port}; root {folder}/www;
    location = /moved.xml {{ return 301 /feed.xml; }}
    location = /inward.xml {{ return 302 http://127.0.0.1:{other}/feed.xml; }}
    location = /gone.xml {{ return 410; }}
    location = /fresh.xml {{ expires 40s; try_files /feed.xml =404; }}
    location = /limited.xml {{ limit_req zone=slow; limit_req_status 429; try_files /feed.xml =404; }}
  }}
}}
"""


def missing() -> str:
    """Return what is needed and this machine does not have, or nothing."""
    return "" if _binary() else "nginx (Debian: nginx-light)"


def _binary() -> str | None:
    return shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


@contextmanager
def nginx(folder: Path) -> Iterator[str]:
    """Serve `folder`/www, and give the address."""
    if lacking := missing():
        if os.environ.get("EARSHOT_TEST_ALL"):
            pytest.fail(f"the web server needs {lacking}, and EARSHOT_TEST_ALL leaves nothing out")
        pytest.skip(f"the web server needs {lacking}")
    (folder / "www").mkdir()
    port = free_port()
    config = folder / "nginx.conf"
    config.write_text(CONFIG.format(folder=folder, port=port, other=free_port()))
    quiet = subprocess.DEVNULL
    process = subprocess.Popen([str(_binary()), "-c", str(config), "-e", str(folder / "start.log")], stderr=quiet)
    try:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", port), 5).close()
                break
            except OSError:
                time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        stop(process)
