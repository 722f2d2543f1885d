"""Learn the weights of German and English words anew: python -m benchmarks.train FOLDER [--check].

FOLDER holds `potts/train.tsv.gz`, `mobasa/dev.xml.gz`, `goemotions/train.tsv.gz` and `vader/` (docs/data-card.md says
where they come from); sentences of our own are in the tree. There is no randomness: the same data gives the same files.
With `--check` nothing is written: it says whether the files in the tree are what the data gives, and ends with 1 where
they are not.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks import train_english, train_lexicon
from pipeline.sentiment import english, german_words

MAKES: dict[Path, Callable[[Path], str]] = {
    german_words.LEARNT: train_lexicon.content,
    english.LEARNT: train_english.content,
}


def main() -> int:
    """Learn, then write or check."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--check", action="store_true")
    chosen = arguments.parse_args()
    needed = [*train_lexicon.SETS, *train_english.SETS]
    if missing := [str(name) for name in needed if not (chosen.folder / name).exists()]:
        print(f"{chosen.folder} has no {', '.join(missing)}: docs/data-card.md says where to get it", file=sys.stderr)
        return 2
    differ = False
    for path, make in MAKES.items():
        content = make(chosen.folder)
        same = path.exists() and path.read_text("utf-8") == content
        rows = sum(not line.startswith("#") for line in content.splitlines())
        size = len(content.encode()) / 1000
        print(f"{path.name}: {rows} entries, {size:.0f} kB, {'as in the tree' if same else 'another than in the tree'}")
        if not chosen.check:
            path.write_text(content, "utf-8")
        differ |= not same
    return int(chosen.check and differ)


if __name__ == "__main__":
    sys.exit(main())
