"""A broker that goes away between letting a worker in and its beginning: one sentence, and the exit code of others."""

import os
import subprocess
import sys
from pathlib import Path
from time import monotonic, sleep

import pytest

from tests.broker.brokers import Broker
from tests.broker.worker import provision

pytestmark = [pytest.mark.broker, pytest.mark.timeout(120)]

WORKER = """
import sys
from pathlib import Path
from time import sleep
from agents.witness import Witness
from cli.main import run
from pipeline.stream import follow

follow.SILENCE_SECONDS = 2.0
compare, folder = Witness.compare, Path(sys.argv[1])

def wait(self):
    compare(self)
    (folder / "admitted").touch()
    while not (folder / "gone").exists():
        sleep(0.05)

Witness.compare = wait
sys.exit(run(["worker"]))
"""


def test_a_worker_whose_broker_goes_before_it_begins_says_so_in_one_sentence(
    fresh_broker: Broker, tmp_path: Path
) -> None:
    settings = provision(fresh_broker, tmp_path)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("EARSHOT_")} | {
        "EARSHOT_KAFKA": settings.kafka,
        "EARSHOT_PARTITIONS": str(settings.partitions),
        "EARSHOT_WATCHES": str(tmp_path / "watches.yml"),
        "EARSHOT_METRICS_PORT": "0",
    }
    command = [sys.executable, "-c", WORKER, str(tmp_path)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as one:
        try:
            deadline = monotonic() + 60
            while not (tmp_path / "admitted").exists():
                assert one.poll() is None, one.communicate()
                assert monotonic() < deadline, "it was never let in"
                sleep(0.05)
            fresh_broker.stop()
            (tmp_path / "gone").touch()
            out, err = one.communicate(timeout=60)
        finally:
            one.kill()
    assert one.returncode == 2, (out, err)
    assert "Traceback" not in out + err
    said = [line for line in err.splitlines() if line.startswith("earshot: ")]
    assert len(said) == 1, err
    assert f"the Kafka broker at {settings.kafka} no longer answers" in said[0]
    assert "start it again when the broker is back" in said[0]
