"""Kafka Streams: a topology of one step in Java (../java/Peer.java), which takes the place of this process."""

import os
import sys

from benchmarks.runtimes.homes import classes


def main() -> None:
    """Run the topology until the process is ended."""
    os.execvp("java", ["java", "-Xmx1g", "-cp", classes(), "Peer", *sys.argv[1:6]])


if __name__ == "__main__":
    main()
