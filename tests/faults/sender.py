"""The world's side: programs that push their posts, each lane in its order, again and again until they are accepted."""

import hashlib
import hmac
import json
import random
import threading
from http.client import HTTPConnection, HTTPException
from time import time

from tests.faults.world import Said, World

SECRET = "a secret that only the two of us know"
PATIENCE = 3.0
"""Seconds that a sender waits for an answer."""


class Sender:
    """Sends one lane, round by round, spread over `seconds`. `accepted` counts the rounds that are wholly accepted."""

    def __init__(self, world: World, lane: int, port: int, seconds: float) -> None:
        self._rounds = [requests[lane] for requests in world.rounds]
        self._port = port
        self._seconds = seconds
        self._draw = random.Random(lane)
        self._go = threading.Semaphore(0)
        self._stop = threading.Event()
        self.accepted = 0
        self.attempts = 0
        self._thread = threading.Thread(target=self._run, name=f"sender-{lane}", daemon=True)
        self._thread.start()

    def go(self) -> None:
        """Send one more round."""
        self._go.release()

    def close(self) -> None:
        self._stop.set()
        self._go.release()
        self._thread.join(2 * PATIENCE)

    def _run(self) -> None:
        for requests in self._rounds:
            self._go.acquire()
            for request in requests:
                self._stop.wait(self._draw.uniform(0, 2 * self._seconds / len(requests)))
                while not self._stop.is_set() and not self._push(request):
                    self._stop.wait(0.2)
            if self._stop.is_set():
                return
            self.accepted += 1

    def _push(self, request: tuple[Said, ...]) -> bool:
        """Send one request and tell whether it was accepted."""
        self.attempts += 1
        body = json.dumps([said.line() for said in request]).encode()
        now = str(int(time()))
        signature = hmac.new(SECRET.encode(), f"{now}.".encode() + body, hashlib.sha256).hexdigest()
        connection = HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE)
        try:
            headers = {"X-Earshot-Timestamp": now, "X-Earshot-Signature": f"v1={signature}"}
            connection.request("POST", "/v1/events", body, headers)
            status = connection.getresponse().status
        except (OSError, HTTPException):
            return False  # it is down, frozen, or was killed before it answered
        finally:
            connection.close()
        assert status in (202, 503), f"the webhook answered {status}"
        return status == 202
