"""Galleries: as a dictionary would be, whole or as before whatever stops a change, one model, one writer, checked."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sql
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nasion.errors import NasionError
from nasion.retrieval.changes import changing
from nasion.retrieval.gallery import EMBEDDINGS_FILE, PACKED_FILE, TABLE_FILE, Gallery
from nasion.retrieval.pictures import gallery_pictures
from nasion.retrieval.upkeep import add_pictures, remove_pictures, verify
from nasion.retrieval.vectors import VectorFile
from retrieval.stand_in import NAMES, ColorMatcher, write_people, write_picture

MODEL = ColorMatcher()


def row(name: str, model: str = "m") -> dict[str, Any]:
    texts = {"view": "frontal", "picture": "x.png", "picture_sha256": "p", "landmarks": "found", "landmarks_sha256": ""}
    return {"id": name, "person": name, "model_sha256": model, "nasion": "0", **texts}


def content(path: Path) -> dict[str, tuple[float, float]]:
    """Id to the first number of each vector, checked against the hashes."""
    gallery = Gallery.read(path)
    faces = list(gallery.faces())
    packed, embeddings = gallery.packed(faces), gallery.embedding_rows()
    return {face.id: (float(embeddings[face.place][0]), float(p[0])) for face, p in zip(faces, packed, strict=True)}


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.lists(
            st.tuples(st.sampled_from("abcde"), st.booleans()), min_size=1, max_size=4, unique_by=lambda own: own[0]
        ),
        max_size=6,
    )
)
def test_changes_do_what_a_dictionary_does(tmp_path_factory, changes):
    folder = tmp_path_factory.mktemp("galleries") / "g"
    expected: dict[str, tuple[float, float]] = {}
    value = 0.0
    for change_of in changes:
        with changing(folder) as change:
            for name, add in change_of:
                value += 1
                if add:
                    change.add(row(name), np.full(3, value, np.float32), np.full(5, -value, np.float32))
                    expected[name] = (value, -value)
                else:
                    change.remove([name])
                    expected.pop(name, None)
        assert content(folder) == expected
    if changes:
        # holes are filled: never more places than pictures were there at once, plus one change's replacements
        assert Gallery.read(folder).height <= 9


def test_a_change_that_fails_leaves_everything(tmp_path):
    folder = tmp_path / "g"
    with changing(folder) as change:
        change.add(row("a"), np.ones(3, np.float32), np.ones(5, np.float32))
    before = content(folder)
    with pytest.raises(RuntimeError), changing(folder) as change:
        change.add(row("a"), np.zeros(3, np.float32), np.zeros(5, np.float32))
        change.remove(["a"])
        raise RuntimeError
    assert content(folder) == before


def test_a_new_gallery_that_fails_is_not_there(tmp_path):
    with pytest.raises(RuntimeError), changing(tmp_path / "g") as change:
        change.add(row("a"), np.ones(3, np.float32), np.ones(5, np.float32))
        raise RuntimeError
    assert not (tmp_path / "g").exists()


@contextmanager
def steps_of_writing(step: Callable[[], None]) -> Iterator[None]:
    """Call ``step`` before, in the middle of and after everything that a change writes."""
    write, settle = VectorFile.write, VectorFile.settle

    def slow_write(own: VectorFile, place: int, vector: Any) -> None:
        step()
        half = np.array(vector, np.float32)
        half[len(half) // 2 :] = np.nan
        write(own, place, half)
        step()
        write(own, place, vector)
        step()

    def slow_settle(own: VectorFile) -> None:
        step()
        settle(own)

    def statement(_: object, cursor: object, text: str, *__: object) -> None:
        if not text.lstrip().startswith(("SELECT", "PRAGMA")):
            step()

    def commit(_: object) -> None:
        step()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(VectorFile, "write", slow_write)
        patch.setattr(VectorFile, "settle", slow_settle)
        sql.event.listen(sql.Engine, "before_cursor_execute", statement)
        sql.event.listen(sql.Engine, "commit", commit)
        yield
        step()


def killed_at(number: int, work: Callable[[], object]) -> bool:
    """Do the work in a process that dies without a trace at the step of that number; tell whether it died."""
    child = os.fork()
    if child == 0:
        left = number

        def step() -> None:
            nonlocal left
            left -= 1
            if left < 0:
                os._exit(9)

        try:
            with steps_of_writing(step):
                work()
        except BaseException:
            os._exit(1)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, 9)
    return code == 9


@pytest.mark.parametrize("started", [False, True])
def test_killed_between_any_two_writes(tmp_path, started):
    old, new = write_people(tmp_path / "old", [1, 2]), write_people(tmp_path / "new", [2, 3])
    write_picture(new / "p02.png", 22)
    start = tmp_path / "start"
    if started:
        add_pictures(start, gallery_pictures(old), MODEL)
        remove_pictures(start, ["p01"])  # leaves a hole, which is filled
    complete = tmp_path / "complete"
    if started:
        shutil.copytree(start, complete)
    add_pictures(complete, gallery_pictures(new), MODEL, update=True)
    before, after = content(start) if started else {}, content(complete)
    assert before != after
    seen = []
    number, died = 0, True
    while died:
        work = tmp_path / f"work{number}"
        if started:
            shutil.copytree(start, work)

        def add(work: Path = work) -> None:
            add_pictures(work, gallery_pictures(new), MODEL, update=True)

        died = killed_at(number, add)
        there = content(work) if (work / TABLE_FILE).exists() else {}
        assert there in (before, after)
        seen.append(there == after)
        # and it goes on as if nothing had been
        add_pictures(work, gallery_pictures(new), MODEL, update=True)
        assert content(work) == after
        assert list(verify(work)) == []
        number += 1
    # before the commit nothing, after it everything
    assert seen == sorted(seen)
    assert number > 10


def test_writers_exclude_one_another_and_readers_do_not_wait(tmp_path):
    folder = tmp_path / "g"
    with changing(folder) as change:
        change.add(row("a"), np.ones(3, np.float32), np.ones(5, np.float32))
    with changing(folder) as change:
        change.add(row("b"), np.ones(3, np.float32), np.ones(5, np.float32))
        with pytest.raises(NasionError, match="another process is changing this gallery"), changing(folder):
            pass
        assert set(content(folder)) == {"a"}
    assert set(content(folder)) == {"a", "b"}


def test_another_model_is_refused(tmp_path):
    add_pictures(tmp_path / "g", gallery_pictures(write_people(tmp_path / "one", [1, 2])), MODEL)
    other = ColorMatcher("b" * 64)
    with pytest.raises(NasionError, match="made by the model aaaaaaaaaaaa, this model is bbbbbbbbbbbb"):
        add_pictures(tmp_path / "g", gallery_pictures(write_people(tmp_path / "two", [3])), other)
    with pytest.raises(NasionError, match="made by the model"):
        Gallery.read(tmp_path / "g").require_model(other.sha256)
    assert set(content(tmp_path / "g")) == {"p01", "p02"}


def test_add_update_and_duplicates(tmp_path):
    gallery, pictures = tmp_path / "g", write_people(tmp_path / "faces", [1, 2])
    first = add_pictures(gallery, gallery_pictures(pictures), MODEL)
    assert (first.added, first.replaced, first.present) == (("p01", "p02"), (), ())
    again = add_pictures(gallery, gallery_pictures(pictures), MODEL)
    assert (again.added, again.present) == ((), ("p01", "p02"))
    before = content(gallery)
    write_picture(pictures / "p02.png", 22)
    with pytest.raises(NasionError, match=r"p02 stands in it with another picture.*--update"):
        add_pictures(gallery, gallery_pictures(pictures), MODEL)
    assert content(gallery) == before
    updated = add_pictures(gallery, gallery_pictures(pictures), MODEL, update=True)
    assert updated.replaced == ("p01", "p02")
    assert content(gallery)["p01"] == before["p01"]
    assert content(gallery)["p02"] != before["p02"]
    # landmarks placed by hand count as a change of the picture
    write_picture(pictures / "p01.png", 1, names=NAMES[:6])
    with pytest.raises(NasionError, match=r"p01 stands in it .* other landmarks"):
        add_pictures(gallery, gallery_pictures(pictures), MODEL)


def test_pictures_that_cannot_be_used_are_listed(tmp_path):
    pictures = write_people(tmp_path / "faces", [1, 2, 3])
    (pictures / "p02.png").write_bytes((pictures / "p02.png").read_bytes()[:200])
    write_picture(pictures / "p03.png", 3, names=NAMES[:2])
    added = add_pictures(tmp_path / "g", gallery_pictures(pictures), MODEL)
    assert added.added == ("p01",)
    assert [problem.id for problem in added.problems] == ["p02", "p03"]
    assert "damaged or cut off" in added.problems[0].reason
    assert "only 2 landmarks" in added.problems[1].reason
    for name in ("p01", "p02", "p03"):
        (pictures / f"{name}.png").write_bytes(b"no picture")
    with pytest.raises(NasionError, match="none of 3 pictures can be used"):
        add_pictures(tmp_path / "h", gallery_pictures(pictures), MODEL)
    assert not (tmp_path / "h").exists()


def test_remove_by_id_and_by_person(tmp_path):
    faces = write_people(tmp_path / "faces", [1])
    write_picture(faces / "anna" / "a.png", 5)
    write_picture(faces / "anna" / "b.png", 6)
    add_pictures(tmp_path / "g", gallery_pictures(faces), MODEL)
    with pytest.raises(NasionError, match="no person 'berta'"):
        remove_pictures(tmp_path / "g", ["p01", "berta"])
    assert set(content(tmp_path / "g")) == {"anna/a", "anna/b", "p01"}
    assert remove_pictures(tmp_path / "g", ["anna/a"]) == ("anna/a",)
    assert remove_pictures(tmp_path / "g", ["anna", "p01"]) == ("anna/b", "p01")
    assert Gallery.read(tmp_path / "g").count == 0
    with pytest.raises(NasionError, match="is no gallery"):
        remove_pictures(tmp_path / "absent", ["x"])
    assert not (tmp_path / "absent").exists()


def test_verify_finds_what_is_wrong(tmp_path):
    faces, gallery = write_people(tmp_path / "faces", [1, 2, 3]), tmp_path / "g"
    add_pictures(gallery, gallery_pictures(faces), MODEL)
    assert list(verify(gallery, MODEL.sha256)) == []
    (faces / "p01.png").unlink()
    write_picture(faces / "p02.png", 9)
    damaged = next(face.place for face in Gallery.read(gallery).faces() if face.id == "p03")
    with (gallery / EMBEDDINGS_FILE).open("r+b") as stream:
        stream.seek(damaged * 8 * 4 + 5)
        stream.write(b"\x01")
    found = {problem.id: problem.reason for problem in verify(gallery)}
    assert set(found) == {"p01", "p02", "p03"}
    assert "cannot be read" in found["p01"]
    assert "changed since it was added" in found["p02"]
    assert "features are damaged" in found["p03"]
    assert len(list(verify(gallery, "c" * 64))) == 3 + 3
    with pytest.raises(NasionError, match="features of p03 are not those"):
        content(gallery)
    (gallery / PACKED_FILE).write_bytes(b"")
    with pytest.raises(NasionError, match="vectors are lost"):
        list(verify(gallery))


def test_a_folder_that_is_no_gallery(tmp_path):
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "a.txt").write_text("dear")
    with pytest.raises(NasionError, match="exists and is no gallery"), changing(tmp_path / "letters"):
        pass
    with pytest.raises(NasionError, match="is no gallery; make one"):
        Gallery.read(tmp_path / "letters")
    (tmp_path / "letters" / TABLE_FILE).write_bytes(b"not a table" * 100)
    with pytest.raises(NasionError, match="damaged or no gallery"):
        Gallery.read(tmp_path / "letters")


def test_names_of_pictures(tmp_path):
    faces = write_people(tmp_path / "faces", [1])
    write_picture(faces / "anna" / "photos" / "a.png", 5)
    (faces / "anna" / "a.mask.png").write_bytes(b"")
    named = gallery_pictures(faces)
    assert [(own.id, own.picture.person) for own in named] == [("anna/a", "anna"), ("p01", "p01")]
    write_picture(faces / "p01.bmp", 1)
    with pytest.raises(NasionError, match=r"p01\.bmp and p01\.png would both be called p01"):
        gallery_pictures(faces)
    (tmp_path / "empty").mkdir()
    with pytest.raises(NasionError, match="holds no pictures"):
        gallery_pictures(tmp_path / "empty")
    with pytest.raises(NasionError, match="no such file or folder"):
        gallery_pictures(tmp_path / "absent")
