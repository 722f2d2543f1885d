"""YAML with lines: what is read, on which line it stands, and that nothing else than a ConfigError can come of it."""

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import ConfigError
from schemas.located import MAX_BYTES, MAX_DEPTH, load_located, locate

FILE = """\
# a comment
watches:
  - id: one
    rules:
      - kind: count
        window: 1h
      - {kind: spike,
         factor: 3}
  - id: two
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        pytest.param((), 2, id="the file itself begins at its first field"),
        pytest.param(("watches",), 2, id="a field stands on the line of its name, not of its value"),
        pytest.param(("watches", 0), 3, id="an entry of a list stands where it begins"),
        pytest.param(("watches", 0, "rules", 0, "window"), 6, id="a field deep inside"),
        pytest.param(("watches", 0, "rules", 1, "factor"), 8, id="a field inside braces"),
        pytest.param(("watches", 1, "id"), 9, id="a later entry"),
        pytest.param(("watches", 0, "owner"), 3, id="a missing field: where it should be"),
        pytest.param(("watches", 9, "id"), 2, id="an entry that does not exist: its list"),
    ],
)
def test_the_line_of_a_part(path: tuple[str | int, ...], line: int) -> None:
    assert load_located(FILE, "w.yml")[1](*path) == line


@pytest.mark.parametrize(
    ("written", "value"),
    [
        pytest.param("no", "no", id="no is a text, not false"),
        pytest.param("on", "on", id="on is a text, not true"),
        pytest.param("true", True, id="true is true"),
        pytest.param("12:30", "12:30", id="a time is a text, not a number of minutes"),
        pytest.param("2015-04-01", "2015-04-01", id="a date is a text"),
        pytest.param("010", 10, id="a leading zero does not make it octal"),
        pytest.param("0x10", "0x10", id="hexadecimal is a text"),
        pytest.param("1e3", 1000.0, id="an exponent"),
        pytest.param("-.5", -0.5, id="a decimal fraction"),
        pytest.param(".inf", ".inf", id="infinity is a text"),
        pytest.param("9" * 30, "9" * 30, id="a number no machine holds is a text"),
        pytest.param("'5'", "5", id="quotes make a text"),
        pytest.param("~", None, id="a tilde is nothing"),
        pytest.param("", None, id="nothing is nothing"),
        pytest.param("|\n  two\n  lines", "two\nlines", id="a block of text"),
    ],
)
def test_what_a_scalar_means(written: str, value: object) -> None:
    assert load_located(f"a: {written}", "w.yml")[0] == {"a": value}


BOMB = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join(['*' + chr(ord(name) - 1)] * 10)}]\n" for name in "bcdefghi"
)
TOWER = "".join(
    f"{name}: &{name} {'[' * 20}{'*' + chr(ord(name) - 1) if name > 'a' else ''}{']' * 20}\n" for name in "abc"
)


@pytest.mark.parametrize(
    ("text", "line", "message", "hint"),
    [
        pytest.param("", 1, "empty", "", id="an empty file"),
        pytest.param("# only a comment\n", 1, "empty", "", id="a file of comments"),
        pytest.param("- a\n", 1, "not a list", "watches:", id="a list at the top"),
        pytest.param("hello\n", 1, "not a text", "watches:", id="a text at the top"),
        pytest.param("a: 1\nb: 2\na: 3\n", 3, "`a` is given twice, first on line 1", "keep one", id="a key twice"),
        pytest.param("a: {b: 1,\n b: 2}\n", 2, "`b` is given twice", "keep one", id="a key twice in braces"),
        pytest.param("a:\n\tb: 1\n", 2, "indented with a tab", "use spaces", id="a tab"),
        pytest.param("a: b: c\n", 1, "not YAML", "in quotes", id="a colon in a text"),
        pytest.param("a: 'open\nb: 1\n", 1, "quote is never closed", "close it", id="a quote that is never closed"),
        pytest.param("a: @x\n", 1, "not YAML", "quotes", id="a character no text may begin with"),
        pytest.param(b"a: \xff\n", 1, "not UTF-8", "save it as UTF-8", id="Latin-1"),
        pytest.param("a: 1\nb: \x01\n", 2, "control character", "remove it", id="a control character"),
        pytest.param("a: 1\n---\nb: 2\n", 2, "second document", "remove the `---`", id="two documents"),
        pytest.param("a: !!python/object:os.system x\n", 1, "tag", "remove it", id="a tag that would run code"),
        pytest.param("a: !secret x\n", 1, "tag", "remove it", id="a tag of another program"),
        pytest.param("a: 1\n<<: {b: 1}\n", 2, "merge keys", "write the fields out", id="a merge key"),
        pytest.param("? [a]\n: 1\n", 1, "a field's name must be a text", "", id="a list as a field's name"),
        pytest.param("a: *b\n", 1, "names nothing", "define it with `&b`", id="an anchor that does not exist"),
        pytest.param("a: &a [*a]\n", 1, "names nothing", "", id="an anchor that contains itself"),
        pytest.param(BOMB, 6, "more than 1000000 values", "fewer anchors", id="a bomb of anchors"),
        pytest.param(TOWER, 2, f"more than {MAX_DEPTH} deep", "", id="anchors piled up"),
        pytest.param("a: " + "[" * 5000, 1, f"more than {MAX_DEPTH} deep", "", id="five thousand brackets"),
        pytest.param("a: " + "x" * MAX_BYTES, 1, "larger than 16 MiB", "", id="a huge file"),
        pytest.param("a: \ud800", 1, "not UTF-8", "", id="half a character"),
    ],
)
def test_what_cannot_be_read(text: str | bytes, line: int, message: str, hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_located(text, "w.yml")
    assert caught.value.where == f"w.yml:{line}"
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_an_anchor_may_be_used_again() -> None:
    text = "team: &team\n  - {channel: slack}\nwatches:\n  - routes: *team\n"
    data, line_of = load_located(text, "w.yml")
    assert data["watches"][0]["routes"] == [{"channel": "slack"}]
    assert line_of("watches", 0, "routes") == 4, "the field stands where it is written"
    assert line_of("watches", 0, "routes", 0, "channel") == 2, "what it holds stands where the anchor is"


def test_lines_are_those_that_people_see() -> None:
    assert load_located("a: x\x85y\u2028z\nb: 1", "w.yml")[1]("b") == 2


def test_a_byte_order_mark_is_read_over() -> None:
    assert load_located(b"\xef\xbb\xbfa: 1", "w.yml")[0] == {"a": 1}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(st.characters(exclude_categories=("C", "Z"))),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc", min_size=1), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text("abcdef", min_size=1), JSON, min_size=1, max_size=5))
def test_json_is_read_as_it_is(data: dict[str, object]) -> None:
    assert load_located(json.dumps(data, ensure_ascii=False), "w.yml")[0] == data


@given(st.dictionaries(st.text("abcdef", min_size=1), JSON, min_size=1, max_size=5))
def test_what_another_program_writes_is_read(data: dict[str, object]) -> None:
    written = yaml.safe_dump(data, allow_unicode=True, default_style='"' if "'" in str(data) else None)
    if "!!" not in written:
        assert load_located(written, "w.yml")[0] == data


@given(st.one_of(st.text(), st.binary(), st.text("ab:-[]{}#&*!|>'\"%@`?,~<\t\n\r\x85 \\\ud800\x00é")))
def test_no_input_gives_anything_but_fields_or_a_config_error(text: str | bytes) -> None:
    try:
        data, line_of = load_located(text, "w.yml")
    except ConfigError as error:
        name, line = error.where.split(":")
        assert name == "w.yml"
        breaks = text.count("\n") + text.count("\r") if isinstance(text, str) else text.count(b"\n") + text.count(b"\r")
        assert 1 <= int(line) <= breaks + 2
    else:
        assert isinstance(data, dict)
        assert all(line_of(key) >= 1 for key in data)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        pytest.param("b: 1\na: plain words # not these\n", "plain words", id="a plain text"),
        pytest.param("a: 'it''s'\n", "'it''s'", id="quotes are part of what is written"),
        pytest.param('ä: ü\na: "Ö"\n', '"Ö"', id="letters beyond ASCII count as one"),
        pytest.param("a: [x]\n", "", id="a list is not written in one piece"),
    ],
)
def test_where_a_text_is_written(text: str, written: str) -> None:
    found = locate(text, "w.yml")
    start, end = found.span_of("a")
    assert found.source[start:end] == written


def test_line_and_column_of_a_character() -> None:
    found = locate("ab: c\nd: ü x\n", "w.yml")
    assert [found.point(offset) for offset in (0, 4, 6, 11)] == [(1, 1), (1, 5), (2, 1), (2, 6)]


@pytest.mark.parametrize(
    ("written", "hint"),
    [
        ("routes:\n  - {channel: slack, to: #press, language: de}\n  - {channel: email}", "begins with # in quotes"),
        ("id: a\nquery: [#DB, Bahn]", "begins with # in quotes"),
        ("query: Bahn: kaputt", "contains `: ` in quotes"),
        ('path: "C:\\Users\\posts.jsonl"', "in single quotes"),
        ('path: "D:\\Daten"', "in single quotes"),
        ("query: 'Bahn' OR Zug", "check the indentation and the quotes"),
    ],
)
def test_the_usual_cause_of_what_is_not_yaml_is_named(written: str, hint: str) -> None:
    with pytest.raises(ConfigError, match=hint):
        load_located(written, "w.yml")
