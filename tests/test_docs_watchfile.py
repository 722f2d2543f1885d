"""What docs/watch-language.md shows of watch files is what Earshot reads."""

import re
from pathlib import Path

import yaml

from pipeline.check import check
from pipeline.lint import rules
from pipeline.offline.prove import failing
from schemas.watchfile import read_files, read_watches

PAGE = (Path(__file__).parents[1] / "docs" / "watch-language.md").read_text("utf-8")
BLOCKS = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
FILES = {name[1]: block for block in BLOCKS if (name := re.match(r"# (\S+\.yml)\n", block))}


def test_the_files_that_are_shown_belong_together_and_their_tests_pass() -> None:
    [tests] = [block for block in BLOCKS if block.lstrip().startswith("tests:")]
    written = yaml.safe_load(FILES["watches.yml"])
    written["watches"][0] |= yaml.safe_load(tests)
    written["watches"][0]["competitors"] = [{"name": "Flixtrain", "query": "Flixtrain"}]
    written["watches"][0]["query"] += " OR Nichts"
    files = check(read_files(["watches.yml"], lambda name: (FILES | {"watches.yml": yaml.safe_dump(written)})[name]))
    assert [str(error) for error in files.wrong()] == []
    assert [watch.owner.name for watch in files.watches] == ["Press office", "Service"]
    assert list(files.lists) == ["tier1-media", "crisis-words"]
    assert [str(error) for entry in files.entries for error in failing(entry)] == []


def test_every_rule_of_the_lint_is_told_of() -> None:
    assert set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)) >= set(rules())


def test_the_watch_of_the_page_on_incidents_is_read() -> None:
    page = (Path(__file__).parents[1] / "docs" / "incidents.md").read_text("utf-8")
    [block, *parts] = re.findall(r"^```yaml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    files = check(read_files(["watches.yml"], lambda _: block))
    assert [str(error) for error in files.wrong()] == []
    [watch] = files.watches
    assert [step.severity for step in watch.escalation] == ["escalate"]
    head = block[: block.index("    rules:")] + block[block.index("    owner:") :]
    for part in parts:
        rules = "" if "rules:" in part else "    rules: [{kind: every}]\n"
        found = check(read_watches(head + rules + part, "watches.yml"))
        assert [str(error) for error in found.wrong()] == []
    assert len(parts) == 3, "shared budgets, groups and inhibitions"
