"""Lucene Monitor 9.11.1 on the same queries and texts, through Maven and Java 17: lucene/MonitorBench.java."""

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).parent / "lucene"
JARS = Path(tempfile.gettempdir()) / "earshot-lucene-9.11.1"


def available() -> bool:
    """Tell whether Java and Maven are here."""
    return all(map(shutil.which, ("java", "mvn")))


def measure(queries: Sequence[str], texts: Sequence[str], rounds: int) -> list[tuple[str, float, int]]:
    """Return for each way to drive it its name, the microseconds of CPU a text, and how many pairs matched."""
    if not any(JARS.glob("lucene-monitor-*.jar")):
        copy = ["mvn", "-q", "-B", "-f", str(HERE / "pom.xml"), "dependency:copy-dependencies"]
        subprocess.run([*copy, f"-DoutputDirectory={JARS}"], check=True)
    with tempfile.TemporaryDirectory() as folder:
        asked, heard = Path(folder, "queries"), Path(folder, "texts")
        asked.write_text("\n".join(queries) + "\n", "utf-8")
        heard.write_text("\n".join(" ".join(text.split()) for text in texts) + "\n", "utf-8")
        command = ["java", "-Xmx2g", "-cp", f"{JARS}/*", str(HERE / "MonitorBench.java"), str(asked), str(heard)]
        said = subprocess.run([*command, str(rounds)], check=True, capture_output=True, text=True).stdout
    return [(name, float(each), int(pairs)) for name, each, pairs in (line.split("\t") for line in said.splitlines())]
