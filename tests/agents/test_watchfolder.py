"""Watch files on disk: a file or a folder, what is passed over, and when a change has settled."""

import os
from pathlib import Path

import pytest

from agents.watchfolder import Folder, check_deliverable, names_in, read_watches
from schemas.errors import ConfigError
from schemas.settings import load_settings

WATCH = """\
watches:
  - id: {id}
    purpose: {{goal: service, measure: m}}
    query: Bahn
    rules: [{{kind: count, threshold: 3, window: 1h}}]
    owner: Press
    routes: [{{channel: {channel}, to: a@b.example}}]
"""


def write(path: Path, name: str = "one", channel: str = "console") -> Path:
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_text(WATCH.format(id=name, channel=channel))
    return path


def test_a_folder_is_all_its_watch_files_but_the_hidden_ones(tmp_path: Path) -> None:
    for name in ("b.yml", "a.yaml", "below/c.yml", ".hidden.yml", "..data/d.yml", "e.txt", "f.yml~"):
        write(tmp_path / name, Path(name).stem.strip("."))
    found = [str(Path(name).relative_to(tmp_path)) for name in names_in(tmp_path)]
    assert found == ["a.yaml", "b.yml", "below/c.yml"]
    assert [watch.id for watch in read_watches(tmp_path).watches] == ["a", "b", "c"]


@pytest.mark.parametrize("made", ["nothing", "an empty folder"])
def test_a_place_without_watch_files_is_one_clear_error(tmp_path: Path, made: str) -> None:
    path = tmp_path if made == "an empty folder" else tmp_path / "none.yml"
    with pytest.raises(ConfigError, match="no watch file" if path == tmp_path else "No such file"):
        read_watches(path)


def test_a_route_that_does_not_fit_is_the_watchs_own_mistake(tmp_path: Path) -> None:
    write(tmp_path / "a.yml", "a", "fax")
    write(tmp_path / "b.yml", "b")
    files = read_watches(tmp_path)
    assert [watch.id for watch in files.watches] == ["b"]
    [error] = files.wrong()
    assert error.where == f"{tmp_path}/a.yml:7"
    assert "there is no channel fax" in str(error)


def test_a_file_that_cannot_be_read_is_an_error_among_others(tmp_path: Path) -> None:
    write(tmp_path / "a.yml", "a")
    (tmp_path / "b.yml").write_bytes(b"\xff")
    files = read_watches(tmp_path)
    assert [watch.id for watch in files.watches] == ["a"]
    assert "not UTF-8" in str(files.wrong()[0])


def test_what_routes_need_is_asked_for_before_the_first_alert(tmp_path: Path) -> None:
    write(tmp_path / "a.yml", "a", "email")
    (tmp_path / "b.yml").write_text("watches: [")
    settings = load_settings(watches=tmp_path, smtp_host="")
    with pytest.raises(ConfigError, match=r"a.yml:7: EARSHOT_SMTP_HOST is not set"):
        check_deliverable(settings)
    check_deliverable(settings.model_copy(update={"smtp_host": "mail.example"}))
    check_deliverable(settings.model_copy(update={"watches": tmp_path / "none", "watches_from": "topic"}))


def test_a_change_is_news_once_it_has_settled_and_until_it_is_taken(tmp_path: Path) -> None:
    path = write(tmp_path / "w.yml")
    folder = Folder(path)
    folder.taken(folder.look(), read_watches(path))
    assert [folder.news(), folder.news()] == [False, False]
    write(path, "two")
    assert not folder.news(), "somebody may still be writing it"
    assert [folder.news(), folder.news()] == [True, True], "it stays news until it is taken"
    folder.taken(folder.look(), read_watches(path))
    assert not folder.news()


def test_news_are_a_new_file_one_that_is_gone_one_put_in_place_and_an_included_one(tmp_path: Path) -> None:
    path = write(tmp_path / "w.yml")
    (tmp_path / "teams").mkdir()
    team = tmp_path / "teams" / "t.yml"
    team.write_text("teams: {}\n")
    path.write_text("include: [teams/t.yml]\n" + path.read_text())
    folder, file = Folder(tmp_path), Folder(path)

    def news() -> tuple[bool, bool]:
        found = []
        for one in (folder, file):
            one.news()
            found.append(one.news())
            one.taken(one.look(), read_watches(one.path))
        return found[0], found[1]

    news()
    news()  # what is included is only known once the file has been read
    assert news() == (False, False)
    write(tmp_path / "more.yml", "more")
    assert news() == (True, False)
    team.write_text("teams: {press: {}}\n")
    assert news() == (True, True)
    (tmp_path / "more.yml").unlink()
    assert news() == (True, False)
    fresh = write(tmp_path / "new")
    fresh.write_text("include: [teams/t.yml]\n" + fresh.read_text())
    os.replace(fresh, path)  # noqa: PTH105 - as editors and ConfigMaps do it
    assert news() == (True, True)
