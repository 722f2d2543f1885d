"""Teams, defaults, included files and lists: what a watch inherits, and where a mistake in that is told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import ConfigError
from schemas.watch import Watch
from schemas.watchfile import WatchFiles, read_files, read_watches

TEAMS = """\
teams:
  press:
    owner: {name: Press, contact: press@example.com}
    routes: [{channel: slack, to: '#press'}]
  service:
    owner: {name: Service, respond_within: 15m}
    routes: [{channel: slack, to: '#service', language: en}]
lists:
  vip: {owner: Press, expires: 2027-01-01, entries: [spiegel]}
"""
FILE = """\
include: [teams/all.yml]
defaults:
  team: press
  purpose: {goal: reputation, measure: answered within an hour}
  rules: [{kind: count, threshold: 10, window: 1h}]
watches:
  - {id: one, query: Bahn}
  - id: two
    query: Zug OR @vip
    team: service
    purpose: {measure: answered within a day}
    rules: [{kind: count, threshold: 3, window: 1h}]
  - {id: three, query: Bus, owner: {respond_within: 5m}}
  - {id: four, query: Schiff, owner: Harbour}
"""
TREE = {"w/main.yml": FILE, "w/teams/all.yml": TEAMS}


def read(tree: dict[str, str], *names: str) -> WatchFiles:
    def content(name: str) -> str:
        if name not in tree:
            raise ConfigError("cannot be read: No such file or directory", where=name)
        return tree[name]

    return read_files(names or ("w/main.yml",), content, "w")


def watches(**changes: str) -> dict[str, Watch]:
    files = read(TREE)
    assert files.wrong() == []
    return {watch.id: watch for watch in files.watches}


def test_a_watch_has_what_its_team_and_its_file_give_it() -> None:
    one = watches()["one"]
    assert (one.owner.name, one.routes[0].to, one.rules[0].settings["threshold"]) == ("Press", "#press", 10)
    assert (one.purpose.goal, one.team) == ("reputation", "press")


def test_its_own_team_goes_before_that_of_the_file_and_groups_are_filled_up() -> None:
    two = watches()["two"]
    assert (two.owner.name, two.owner.respond_within, two.routes[0].language) == ("Service", 900.0, "en")
    assert (two.purpose.goal, two.purpose.measure) == ("reputation", "answered within a day")
    assert [rule.settings["threshold"] for rule in two.rules] == [3], "lists are replaced"


def test_what_it_writes_itself_goes_before_all() -> None:
    three, four = watches()["three"], watches()["four"]
    assert (three.owner.name, three.owner.contact, three.owner.respond_within) == ("Press", "press@example.com", 300.0)
    assert (four.owner.name, four.owner.contact) == ("Harbour", None), "a name alone is a whole owner"


def test_a_watch_knows_the_lists_that_it_asks_for() -> None:
    found = watches()
    assert dict(found["one"].lists) == {}
    assert found["two"].lists["vip"].entries == ("spiegel",)
    other = read(TREE | {"w/teams/all.yml": TEAMS.replace("[spiegel]", "[spiegel, zeit]")})
    versions = {watch.id: watch.version for watch in other.watches}
    assert versions["two"] != found["two"].version, "another list makes it another watch"
    assert versions["one"] == found["one"].version


def test_tests_and_teams_are_no_part_of_what_a_watch_is() -> None:
    tested = FILE.replace(
        "- {id: one, query: Bahn}", "- {id: one, query: Bahn, team: press, tests: {must_match: [Bahn]}}"
    )
    assert {watch.id: watch.version for watch in read(TREE | {"w/main.yml": tested}).watches} == {
        name: watch.version for name, watch in watches().items()
    }


@pytest.mark.parametrize(
    ("name", "old", "new", "where", "said", "wrong"),
    [
        pytest.param(
            "w/teams/all.yml", "'#press'}", "7}", "w/teams/all.yml:4", "`teams.press.routes[0].to` must be a text",
            {"one", "three", "four"}, id="told once, in the team's file, and only its watches suffer",
        ),
        pytest.param(
            "w/main.yml", "threshold: 10, window: 1h", "window: 1h, name: 7", "w/main.yml:5",
            "`defaults.rules[0].name` must be a text", {"one", "three", "four"}, id="in the defaults",
        ),
        pytest.param(
            "w/main.yml", "measure: answered within an hour", "gaol: x", "w/main.yml:4", "`defaults.purpose.gaol`",
            {"one", "two", "three", "four"}, id="one field of a group",
        ),
        pytest.param(
            "w/main.yml", ", measure: answered within an hour", "", "w/main.yml:4", "`defaults.purpose.measure` is",
            {"one", "three", "four"}, id="a field that is missing in a group of the defaults",
        ),
        pytest.param(
            "w/main.yml", "team: service", "team: servcie", "w/main.yml:10", "did you mean `service`?", {"two"},
            id="a misspelt team",
        ),
        pytest.param(
            "w/main.yml", "team: press", "team: pres", "w/main.yml:3", "did you mean `press`?",
            {"one", "three", "four"}, id="a misspelt team in the defaults",
        ),
        pytest.param(
            "w/main.yml", "  team: press", "  teem: press", "w/main.yml:3", "did you mean `team`?",
            {"one", "two", "three", "four"}, id="a misspelt default",
        ),
        pytest.param(
            "w/main.yml", "include: [teams/all.yml]", "", "w/main.yml:3", "write it below `teams:`",
            {"one", "two", "three", "four"}, id="a team that no file holds",
        ),
        pytest.param(
            "w/teams/all.yml", "entries: [spiegel]", "entries: spiegel", "w/teams/all.yml:9",
            "`lists.vip.entries` must be a list", set(), id="a list that is none",
        ),
        pytest.param(
            "w/teams/all.yml", "expires: 2027-01-01, ", "", "w/teams/all.yml:9", "`lists.vip.expires` is missing",
            set(), id="a list without an end",
        ),
        pytest.param(
            "w/main.yml", "teams/all.yml", "../all.yml", "w/main.yml:1", "from the folder of the first one or below",
            {"one", "two", "three", "four"}, id="a file from outside",
        ),
        pytest.param(
            "w/main.yml", "teams/all.yml", "/etc/passwd", "w/main.yml:1", "from the folder of the first one or below",
            {"one", "two", "three", "four"}, id="a file from anywhere",
        ),
        pytest.param(
            "w/main.yml", "teams/all.yml", "nowhere.yml", "w/nowhere.yml", "cannot be read",
            {"one", "two", "three", "four"}, id="a file that is not there",
        ),
    ],
)  # fmt: skip
def test_a_mistake_is_told_where_it_is_written(
    name: str, old: str, new: str, where: str, said: str, wrong: set[str]
) -> None:
    assert old in TREE[name]
    files = read(TREE | {name: TREE[name].replace(old, new, 1)})
    assert where in [error.where for error in files.wrong()]
    assert [error for error in files.wrong() if said in str(error)], [str(error) for error in files.wrong()]
    assert len({str(error) for error in files.wrong()}) == len(files.wrong()), "each is told once"
    assert {"one", "two", "three", "four"} - {watch.id for watch in files.watches} == wrong


def test_an_id_in_two_files_is_given_twice() -> None:
    more = "\n".join([*FILE.splitlines()[1:6], "  - {id: one, query: Bahn}"])
    files = read(TREE | {"w/b.yml": more}, "w/main.yml", "w/b.yml")
    [error] = files.wrong()
    assert error.where == "w/b.yml:6"
    assert "`watches[0].id` is 'one', which is already given at w/main.yml:7" in str(error)
    assert [watch.id for watch in files.watches] == ["one", "two", "three", "four"], "the first one counts"


def test_files_may_include_one_another_and_are_read_once() -> None:
    tree = TREE | {"w/teams/all.yml": "include: [all.yml]\n" + TEAMS, "w/main.yml": FILE.replace("[t", "[main.yml, t")}
    files = read(tree)
    assert files.wrong() == []
    assert [part.name for part in files.parts] == ["w/main.yml", "w/teams/all.yml"]


def test_a_team_or_list_may_be_given_once_only() -> None:
    errors = read(TREE | {"w/more.yml": TEAMS}, "w/main.yml", "w/more.yml").wrong()
    assert [error.where for error in errors] == ["w/teams/all.yml:2", "w/teams/all.yml:5", "w/teams/all.yml:9"]
    assert "given already at w/more.yml:2" in str(errors[0])


@given(st.lists(st.sampled_from((FILE + TEAMS).splitlines(keepends=True)), max_size=20).map("".join))
def test_lines_in_any_order_give_watches_or_findings(text: str) -> None:
    files = read_watches(text, "w.yml")
    assert files.wrong() or files.watches or files.lists or "watches" not in text


@pytest.mark.parametrize("missing", [True, False])
def test_defaults_of_a_file_without_watches_are_named_where_watches_lack_something(missing: bool) -> None:
    watch = (
        "watches: [{id: acme, query: acme, owner: Press, purpose: {goal: a, measure: b}, routes: [{channel: console}]"
    )
    files = {
        "a.yml": "defaults: {rules: [{kind: every}]}",
        "b.yml": watch + ("}]" if missing else ", rules: [{kind: every}]}]"),
    }
    found = [str(one) for one in read_files(files, files.__getitem__).wrong()]
    assert any("a.yml:1" in one and "watches of their own file only" in one for one in found) is missing
