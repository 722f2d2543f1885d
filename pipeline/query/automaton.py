"""The prefilter: which queries could match a text at all.

From every query a few literals are drawn, one of which each text that satisfies it must hold. All of them together
make one Aho-Corasick automaton over the text in its coarsest spelling, so a text that holds none costs one pass over
its letters, however many queries there are. What it names are candidates; verify.py decides.
"""

import re
from collections.abc import Collection, Sequence, Set

from ahocorasick_rs import AhoCorasick, Implementation

from pipeline.query.required import BEGINNING, FACT, WITHIN, WORD, required, uses_of
from pipeline.query.tree import Node

_REST = re.compile(r"[^\W_]*")


class Automaton:
    """The literals of many queries; a query is known by its place in the sequence. Immutable."""

    __slots__ = ("_always", "_beginnings", "_facts", "_has_words", "_search", "_within", "_words", "asks_for_facts")

    def __init__(self, roots: Sequence[Node]) -> None:
        """Draw the literals of each query and build the automaton of all."""
        uses = uses_of(roots)
        always: list[int] = []
        holders: dict[str, dict[str, list[int]]] = {WORD: {}, BEGINNING: {}, WITHIN: {}, FACT: {}}
        stems: set[str] = set()
        for number, root in enumerate(roots):
            literals = required(root, uses)
            if literals is None:
                always.append(number)
            for literal in literals or ():
                stems.add(literal.stem) if literal.kind == WORD else None
                for text in literal.texts:
                    holders[literal.kind].setdefault(text, []).append(number)
        self._always = frozenset(always)
        self._words = {text: tuple(numbers) for text, numbers in holders[WORD].items()}
        self._facts = {fact: tuple(numbers) for fact, numbers in holders[FACT].items()}
        self.asks_for_facts = bool(self._facts)
        """Whether any query is found by what is known about a post beside its text."""
        patterns = sorted(stems | set(holders[BEGINNING]) | set(holders[WITHIN]))
        self._has_words = [pattern in stems for pattern in patterns]
        self._beginnings = [tuple(holders[BEGINNING].get(pattern, ())) for pattern in patterns]
        self._within = [tuple(holders[WITHIN].get(pattern, ())) for pattern in patterns]
        # as a table of states it takes more memory and half the time
        self._search = AhoCorasick(patterns, implementation=Implementation.DFA).find_matches_as_indexes

    def candidates(self, text: str, facts: Collection[str] = ()) -> Set[int]:
        """Return the queries that could match a text in its coarsest spelling, by a post of which `facts` are known.

        Queries that name neither a word nor a fact always could.
        """
        hits = self._search(text, True)
        if not hits and not facts:
            return self._always
        found = set(self._always)
        for fact in facts:
            found.update(self._facts.get(fact, ()))
        for pattern, start, end in hits:
            if within := self._within[pattern]:
                found.update(within)
            if start and text[start - 1].isalnum():
                continue
            if beginnings := self._beginnings[pattern]:
                found.update(beginnings)
            if self._has_words[pattern]:
                word = text[start : _REST.match(text, end).end()]  # type: ignore[union-attr]
                if queries := self._words.get(word):
                    found.update(queries)
        return found
