"""The site file as it is now: read again when it changes, kept when the new one is wrong."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from schemas.current_site import CurrentSite
from schemas.settings import ConfigurationError
from schemas.site import Site
from schemas.site_version import digest_of, read_version


def site_file(path: Path, name: str) -> Path:
    path.write_text(f"version: 1\nsite: {{name: {name}}}\n")
    return path


def look(site: CurrentSite, times: int = 2) -> None:
    """Two looks, since a change is taken when two have found the same."""

    async def looks() -> None:
        for _ in range(times):
            await site.look()

    asyncio.run(looks())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return site_file(tmp_path / "site.yaml", "one")


@pytest.fixture
def site(path: Path) -> CurrentSite:
    return CurrentSite.read(path)


def test_a_changed_file_is_taken_and_told(site: CurrentSite, path: Path) -> None:
    told: list[str] = []
    site.subscribe(lambda new: told.append(new.name))
    before = site.digest
    look(site)
    assert (site.site.name, told) == ("one", [])
    site_file(path, "two")
    look(site)
    assert (site.site.name, told) == ("two", ["two"])
    assert site.digest == digest_of(path) != before
    look(site)
    assert (told, site.reloads) == (["two"], 1)


def test_a_file_that_is_being_written_is_waited_for(site: CurrentSite, path: Path) -> None:
    for name in ("tw", "two", "two and"):
        site_file(path, name)
        look(site, times=1)
        assert site.site.name == "one"
    look(site, times=1)
    assert site.site.name == "two and"


def test_a_bad_file_keeps_the_old_one_and_says_where_it_is_wrong(
    site: CurrentSite, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path.write_text("version: 1\nsite: {nam: three}\n")
    look(site, times=6)
    assert site.site.name == "one"
    assert "site.yaml:2: unknown key 'nam' in site (did you mean 'name'?)" in site.error
    assert str(path.parent) not in site.error
    errors = [record for record in caplog.records if record.levelname == "ERROR"]
    assert len(errors) == 1
    site_file(path, "four")
    look(site)
    assert (site.site.name, site.error) == ("four", "")


def test_a_file_that_is_put_back_is_no_error_any_more(site: CurrentSite, path: Path) -> None:
    path.write_text("nonsense")
    look(site)
    assert site.error
    site_file(path, "one")
    look(site)
    assert (site.error, site.reloads) == ("", 0)


def test_a_file_that_goes_away_keeps_the_old_one(site: CurrentSite, path: Path) -> None:
    path.unlink()
    look(site)
    assert site.site.name == "one"
    assert site.error == "cannot be read: No such file or directory"
    site_file(path, "two")
    look(site)
    assert (site.site.name, site.error) == ("two", "")


def test_what_follows_the_site_changes_together_or_not_at_all(
    site: CurrentSite, path: Path
) -> None:
    def second(new: Site) -> str:
        if new.name == "two":
            raise RuntimeError("no catalogue")
        return new.name

    first = site.follow(lambda new: new.name)
    other = site.follow(second)
    site_file(path, "two")
    look(site)
    assert (site.site.name, first.now, other.now) == ("one", "one", "one")
    assert site.error == "RuntimeError: no catalogue"
    site_file(path, "three")
    look(site)
    assert (site.site.name, first.now, other.now) == ("three", "three", "three")


def test_what_was_refused_is_tried_again(
    site: CurrentSite, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a site file names may come after it."""
    path.write_text("version: 1\nsite: {name: two}\ncatalogue: {file: c.csv, id: sku}\n")
    look(site)
    assert "there is no file" in site.error
    (path.parent / "c.csv").write_text("sku\n1\n")
    look(site)
    assert site.site.name == "one"
    monkeypatch.setattr(site, "_try_at", 0.0)  # as if five seconds had passed
    look(site)
    assert (site.site.name, site.error) == ("two", "")


def test_the_first_file_must_be_right(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError):
        CurrentSite.read(tmp_path / "none.yaml")
    (tmp_path / "bad.yaml").write_text("version: 2")
    with pytest.raises(ConfigurationError):
        CurrentSite.read(tmp_path / "bad.yaml")


def test_a_digest_is_of_what_was_read(path: Path) -> None:
    version = read_version(path)
    assert version.digest == digest_of(path)
    assert len(version.digest) == 12


def test_a_link_that_is_put_in_the_files_place_is_followed(tmp_path: Path) -> None:
    """So Kubernetes changes a ConfigMap."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        site_file(tmp_path / name / "site.yaml", name)
    link = tmp_path / "site.yaml"
    link.symlink_to(tmp_path / "one" / "site.yaml")
    site = CurrentSite.read(link)
    new = tmp_path / "new"
    new.symlink_to(tmp_path / "two" / "site.yaml")
    new.replace(link)
    look(site)
    assert site.site.name == "two"
