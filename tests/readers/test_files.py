"""Files are whole or absent."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from nasion.errors import NasionError
from nasion.readers.files import (
    claim_folder,
    output_folder,
    refuse_existing,
    sha256,
    write_bytes,
    write_json,
    write_text,
)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*")}


def test_sha256_of_a_known_text(tmp_path: Path) -> None:
    (tmp_path / "abc").write_bytes(b"abc")
    # FIPS 180-2, appendix B.1
    assert sha256(tmp_path / "abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    with pytest.raises(NasionError, match="cannot be read"):
        sha256(tmp_path / "absent")


def test_writing_creates_parents_and_leaves_nothing_else(tmp_path: Path) -> None:
    write_text(tmp_path / "a" / "b" / "c.txt", "Größe\n")
    assert (tmp_path / "a/b/c.txt").read_bytes() == "Größe\n".encode()
    assert names(tmp_path) == {"a", "b", "c.txt"}


def test_json_takes_numpy_and_paths_and_refuses_nan(tmp_path: Path) -> None:
    write_json(tmp_path / "x.json", {"a": np.arange(2), "b": np.float32(0.5), "c": Path("p/q"), "d": "ä"})
    assert json.loads((tmp_path / "x.json").read_text("utf-8")) == {"a": [0, 1], "b": 0.5, "c": "p/q", "d": "ä"}
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "x.json", {"a": float("nan")})
    assert json.loads((tmp_path / "x.json").read_text("utf-8"))["b"] == 0.5


def test_failed_replacement_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_bytes(tmp_path / "x", b"old")

    def full(self: Path, data: bytes) -> int:
        with self.open("wb") as stream:
            stream.write(data[:1])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(NasionError, match="No space left"):
        write_bytes(tmp_path / "x", b"new")
    assert (tmp_path / "x").read_bytes() == b"old"
    assert names(tmp_path) == {"x"}


def test_existing_file_is_refused_unless_forced(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("1")
    refuse_existing(tmp_path / "y")
    refuse_existing(tmp_path / "x", force=True)
    with pytest.raises(NasionError, match="--force"):
        refuse_existing(tmp_path / "x")
    with pytest.raises(NasionError, match="is a folder"):
        refuse_existing(tmp_path, force=True)


def test_file_in_the_way_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("1")
    with pytest.raises(NasionError, match="folder cannot be made"):
        write_text(tmp_path / "x" / "y.txt", "2")
    with pytest.raises(NasionError, match="is a file"), output_folder(tmp_path / "x", force=True):
        pass
    assert names(tmp_path) == {"x"}


def test_output_folder_appears_at_the_end(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "out"
    with output_folder(target) as folder:
        (folder / "a.txt").write_text("a")
        assert not target.exists()
        assert folder.parent == target.parent
    assert names(tmp_path) == {"deep", "out", "a.txt"}


@pytest.mark.parametrize("fault", [RuntimeError, KeyboardInterrupt])
def test_failure_leaves_nothing(tmp_path: Path, fault: type[BaseException]) -> None:
    with pytest.raises(fault), output_folder(tmp_path / "deep" / "out") as folder:
        (folder / "a.txt").write_text("a")
        raise fault
    assert names(tmp_path) == set()


def test_existing_output_folder(tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.mkdir()
    with output_folder(target) as folder:
        (folder / "old").write_text("1")
    with pytest.raises(NasionError, match="--force"), output_folder(target):
        pass
    with pytest.raises(RuntimeError), output_folder(target, force=True):
        raise RuntimeError
    assert names(tmp_path) == {"out", "old"}
    with output_folder(target, force=True) as folder:
        (folder / "new").write_text("2")
    assert names(tmp_path) == {"out", "new"}


def test_force_never_takes_inputs_or_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "case").mkdir()
    (tmp_path / "case" / "skull.ply").write_text("x")
    inputs = [tmp_path / "case" / "skull.ply"]
    with pytest.raises(NasionError, match="holds the input"), output_folder(tmp_path / "case", True, inputs):
        pass
    monkeypatch.chdir(tmp_path / "case")
    with pytest.raises(NasionError, match="working folder"), output_folder(tmp_path, force=True):
        pass
    assert names(tmp_path) == {"case", "skull.ply"}


def test_a_job_begun_anew_takes_its_own_folder_only(tmp_path: Path) -> None:
    own, other = tmp_path / "job", tmp_path / "films"
    claim_folder(own, "job.json", {"seed": 1}, "job")
    (own / "result").write_text("1")
    claim_folder(own, "job.json", {"seed": 2}, "job", force=True)
    assert names(own) == {"job.json"}
    other.mkdir()
    (other / "film.png").write_text("x")
    with pytest.raises(NasionError, match="exists and is no job"):
        claim_folder(other, "job.json", {"seed": 1}, "job", force=True)
    (own / "film.png").write_text("x")
    for inputs in ([own], [own / "film.png"]):
        with pytest.raises(NasionError, match="holds the input"):
            claim_folder(own, "job.json", {"seed": 1}, "job", True, inputs)
    assert names(tmp_path) == {"job", "job.json", "film.png", "films"}


def test_large_file_is_hashed_as_hashlib_does(tmp_path: Path) -> None:
    data = np.random.default_rng(0).bytes(3_000_001)
    write_bytes(tmp_path / "x", data)
    assert sha256(tmp_path / "x") == hashlib.sha256(data).hexdigest()
