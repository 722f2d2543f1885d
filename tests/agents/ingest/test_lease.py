"""A lease without a broker: whoever waits for one is not frozen."""

import subprocess
import sys

from cli.broker import free_port

WAITS = """
import asyncio
from agents.ingest import lease
from schemas.settings import load_settings

lease.SESSION = 2.0

async def main():
    leases = lease.Leases(load_settings(session_timeout=1.0))
    leases.start()
    await asyncio.sleep(3 * leases.session)
    await leases.close()
    print("alive")

asyncio.run(main())
"""


def test_a_process_that_waits_for_its_broker_is_not_ended_as_a_frozen_one() -> None:
    # ended, it would say nothing and leave nobody to tell the senders of webhooks to come back
    environment = {"EARSHOT_KAFKA": f"127.0.0.1:{free_port()}"}
    done = subprocess.run(
        [sys.executable, "-c", WAITS], check=False, env=environment, capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stdout.strip()) == (0, "alive"), done.stderr[-500:]
