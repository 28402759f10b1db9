"""The commands on a case with known truth: what they answer, write and record."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from casework.case_folder import TRUE_PERSON, CaseFolder, read_json
from cli.command import nasion
from nasion.readers.files import sha256


def overlay(case: CaseFolder, out: Path, *more: object) -> list[object]:
    files = ("--skull", case.mesh, "--skull-landmarks", case.cranial, "--photo", case.photo())
    return ["overlay", *files, "--photo-landmarks", case.facial(), "--photo-mask", case.mask(), "--out", out, *more]


def identify(case: CaseFolder, out: Path, *more: object) -> list[object]:
    files = ("--skull", case.mesh, "--skull-landmarks", case.cranial, "--gallery", case.gallery)
    return ["identify", *files, "--out", out, "--jobs", 1, *more]


def photo_of(out: Path) -> Any:
    return read_json(out / "result.json")["candidates"][0]["photos"][0]


def files_of(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_overlay(own_case: CaseFolder) -> None:
    out = own_case.root / "the result"
    ended = nasion(*overlay(own_case, out))
    assert (ended.code, ended.err) == (0, "")
    assert str(out / "report.html") in ended.out
    result = read_json(out / "result.json")
    assert result["command"] == "overlay"
    assert [candidate["rank"] for candidate in result["candidates"]] == [1]
    assert photo_of(out)["residual_rms_px"] < 1
    given = [own_case.mesh, own_case.cranial, own_case.photo(), own_case.facial(), own_case.mask()]
    assert {entry["path"]: entry["sha256"] for entry in result["inputs"]} == {str(p): sha256(p) for p in given}
    names = files_of(out) - {"report.html", "result.json"}
    assert {name.rsplit("_", 1)[1] for name in names} == {"blend.png", "wipe.png", "contours.png", "landmarks.png"}
    assert {Path(name).parent.name for name in names} == {"pictures"}
    sizes = set()
    for name in names:
        with Image.open(out / name) as picture:
            picture.load()
            assert (picture.format, picture.mode) == ("PNG", "RGB")
            sizes.add(picture.size)
    assert len(sizes) == 1
    assert 600 <= max(sizes.pop()) <= 900


def test_identify(own_case: CaseFolder) -> None:
    out = own_case.root / "ranking"
    ended = nasion(*identify(own_case, out, "--details", 2))
    assert (ended.code, ended.err) == (0, "")
    result = read_json(out / "result.json")
    assert [c["rank"] for c in result["candidates"]] == [1, 2, 3, 4]
    assert result["candidates"][0]["id"] == TRUE_PERSON
    assert [photo["photo"] for photo in result["candidates"][0]["photos"]] == ["frontal.png", "lateral.png"]
    printed = [line for line in ended.out.splitlines() if "person_" in line]
    assert [line.split()[1] for line in printed] == [c["id"] for c in result["candidates"]]
    # two candidates in detail, two photographs each, four pictures of each
    assert len(files_of(out / "pictures")) == 16


def test_identify_one_photograph_among_skulls(own_case: CaseFolder) -> None:
    out = own_case.root / "skulls ranked"
    files = ("--photo", own_case.photo(), "--photo-landmarks", own_case.facial(), "--skulls", own_case.skulls)
    ended = nasion("identify", *files, "--out", out, "--jobs", 1)
    assert (ended.code, ended.err) == (0, "")
    candidates = read_json(out / "result.json")["candidates"]
    assert [c["rank"] for c in candidates] == [1, 2, 3, 4]
    assert candidates[0]["id"] == TRUE_PERSON


def test_posest(own_case: CaseFolder) -> None:
    out = own_case.root / "posest"
    assert nasion(*identify(own_case, out, "--solver", "posest", "--seed", 5)).code == 0
    result = read_json(out / "result.json")
    assert result["candidates"][0]["id"] == TRUE_PERSON
    assert result["settings"]["solver"] == "posest"
    assert result["settings"]["seed"] == 5
    assert photo_of(out)["solver"] == "posest"
    assert photo_of(out)["log_likelihood"] is None


def test_lilium(own_case: CaseFolder) -> None:
    first, second = own_case.root / "lilium", own_case.root / "again"
    few = ("--seed", 5, "--details", 1)
    assert nasion(*identify(own_case, first, "--solver", "lilium", *few)).code == 0
    result = read_json(first / "result.json")
    assert result["candidates"][0]["id"] == TRUE_PERSON
    assert (result["settings"]["solver"], result["settings"]["terms"], result["settings"]["seed"]) == (
        "lilium",
        "all",
        5,
    )
    assert [c["support"]["degree"] for c in result["candidates"]] == ["not assessed"] * 4
    for photo in (photo for candidate in result["candidates"] for photo in candidate["photos"]):
        assert photo["solver"] == "lilium"
        assert photo["log_likelihood"] is None
        assert len(set(photo["flags"])) == len(photo["flags"])
    two_processes = [*identify(own_case, second, "--solver", "lilium", *few, "--terms", "all"), "--jobs", 2]
    assert nasion(*two_processes).code == 0
    assert without_times(result) == without_times(read_json(second / "result.json"))


def test_terms_of_lilium(own_case: CaseFolder) -> None:
    photos = {}
    for terms in ("base", "skof"):
        out = own_case.root / terms
        assert nasion(*overlay(own_case, out, "--solver", "lilium", "--terms", terms)).code == 0
        assert read_json(out / "result.json")["settings"]["terms"] == terms
        photos[terms] = photo_of(out)
    assert photos["skof"]["outside_face_fraction"] == 0
    # contours are compared, and their absence told, by par and all alone
    assert all("no_contour" not in photo["flags"] for photo in photos.values())


def test_what_lilium_needs_is_named(own_case: CaseFolder) -> None:
    out = own_case.root / "refused"
    landmarks = ("--skull-landmarks", own_case.cranial, "--photo", own_case.photo())
    bare = ("overlay", *landmarks, "--photo-landmarks", own_case.facial(), "--out", out, "--solver", "lilium")
    ended = nasion(*bare)
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert "--terms all needs the skull's surface; give --skull or --terms base" in ended.err
    assert not out.exists()
    assert nasion(*bare, "--terms", "base").code == 0


def test_camera_options(own_case: CaseFolder) -> None:
    free, known = own_case.root / "free", own_case.root / "known"
    assert nasion(*overlay(own_case, free)).code == 0
    more = ("--focal", "1300:1", "--distance", "1500:2", "--pose", "8,-4,3:1")
    assert nasion(*overlay(own_case, known, *more)).code == 0
    assert photo_of(known)["camera"]["focal_px"] == pytest.approx(1300, abs=3)
    assert photo_of(known)["camera_figures"]["distance_mm"] == pytest.approx(1500, abs=8)
    spreads = [photo_of(folder)["camera_figures"]["distance_sd_mm"] for folder in (known, free)]
    assert spreads[0] < 0.1 * spreads[1]
    prior = read_json(known / "result.json")["settings"]["camera_prior"]
    assert (prior["focal_px"], prior["distance_mm"]) == ([1300, 1], [1500, 2])
    assert prior["pose_deg"] == [[8, -4, 3], 1]


def test_default_spreads_of_the_camera_options(own_case: CaseFolder) -> None:
    out = own_case.root / "o"
    assert nasion(*overlay(own_case, out, "--focal", "1300", "--distance", "1500", "--pose", "8,-4,3")).code == 0
    prior = read_json(out / "result.json")["settings"]["camera_prior"]
    assert prior["focal_px"] == [1300, pytest.approx(65)]
    assert prior["distance_mm"] == [1500, pytest.approx(150)]
    assert prior["pose_deg"] == [[8, -4, 3], 10]


def test_the_same_command_writes_the_same_figures(own_case: CaseFolder) -> None:
    first, second = own_case.root / "a", own_case.root / "b"
    assert nasion(*identify(own_case, first)).code == 0
    two_processes = [*identify(own_case, second), "--jobs", 2]
    assert nasion(*two_processes).code == 0
    assert without_times(read_json(first / "result.json")) == without_times(read_json(second / "result.json"))
    pictures = files_of(first / "pictures")
    assert pictures == files_of(second / "pictures")
    assert all((first / "pictures" / p).read_bytes() == (second / "pictures" / p).read_bytes() for p in pictures)


def without_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_times(entry) for key, entry in value.items() if key != "seconds"}
    return [without_times(entry) for entry in value] if isinstance(value, list) else value


def test_nothing_is_overwritten_without_force(own_case: CaseFolder) -> None:
    out = own_case.root / "result"
    out.mkdir()
    (out / "mine.txt").write_text("keep me")
    for arguments in (overlay(own_case, out), identify(own_case, out), ["demo", "--out", out]):
        ended = nasion(*arguments)
        assert ended.code == 2
        assert "--force" in ended.err
        assert files_of(out) == {"mine.txt"}
    assert nasion(*overlay(own_case, out, "--force")).code == 0
    assert "mine.txt" not in files_of(out)


def test_an_empty_folder_may_be_filled(own_case: CaseFolder) -> None:
    out = own_case.root / "result"
    out.mkdir()
    assert nasion(*overlay(own_case, out)).code == 0


def test_force_never_replaces_a_folder_of_inputs(own_case: CaseFolder) -> None:
    before = files_of(own_case.root)
    for out in (own_case.root, own_case.gallery):
        ended = nasion(*identify(own_case, out, "--force"))
        assert ended.code == 2
        assert "holds the input" in ended.err
    assert files_of(own_case.root) == before


def test_a_failure_in_the_middle_leaves_the_old_result(own_case: CaseFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    out = own_case.root / "result"
    assert nasion(*overlay(own_case, out)).code == 0
    before = {name: sha256(out / name) for name in files_of(out)}
    around = files_of(own_case.root)

    def full(*_: object) -> str:
        raise OSError(28, "No space left on device", "report.html")

    monkeypatch.setattr("nasion.report.folder.page_html", full)
    ended = nasion(*overlay(own_case, out, "--force"))
    assert ended.code == 2
    assert "No space left on device" in ended.err
    assert {name: sha256(out / name) for name in files_of(out)} == before
    assert files_of(own_case.root) == around


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc to see when the work has begun")
@pytest.mark.parametrize(("jobs", "sent"), [(1, signal.SIGINT), (2, signal.SIGINT), (2, signal.SIGTERM)])
def test_ctrl_c_and_kill_leave_nothing(own_case: CaseFolder, jobs: int, sent: signal.Signals) -> None:
    # many people, so that there is time to stop it in the middle
    for k in range(300):
        (own_case.gallery / f"copy_{k:03d}").symlink_to(own_case.gallery / "person_1", target_is_directory=True)
    before = files_of(own_case.root)
    out = own_case.root / "a" / "result"
    arguments = [sys.executable, "-m", "nasion", *map(str, identify(own_case, out)), "--jobs", str(jobs)]
    running = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, process_group=0)
    try:
        wait_until_it_works(running.pid)
        if sent == signal.SIGINT:
            # as a terminal does it: to the whole group
            os.killpg(running.pid, sent)
        else:
            running.send_signal(sent)
        out_text, error = running.communicate(timeout=60)
    finally:
        running.kill()
    assert running.returncode == 130, error
    assert error.split("\n")[-2] == "nasion: stopped; nothing was left half-written"
    assert "Traceback" not in error
    assert out_text == ""
    assert files_of(own_case.root) == before
    assert not out.parent.exists()


def wait_until_it_works(pid: int) -> None:
    """Wait until a process, or one of its children, has used two seconds of processor time."""
    for _ in range(600):
        used = 0.0
        for process in [pid, *_children(pid)]:
            try:
                fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
            except FileNotFoundError:
                continue
            used = max(used, (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"))
        if used > 2:
            return
        time.sleep(0.05)


def _children(pid: int) -> list[int]:
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []


def test_progress_is_shown_on_a_terminal_only(own_case: CaseFolder) -> None:
    pty = pytest.importorskip("pty")
    master, slave = pty.openpty()
    command = [sys.executable, "-m", "nasion", *map(str, identify(own_case, own_case.root / "result"))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=slave, env=os.environ | {"TERM": "xterm"}) as running:
        os.close(slave)
        shown = b""
        with os.fdopen(master, "rb", buffering=0) as terminal:
            # Linux ends a terminal without writers with an error
            while chunk := _read(terminal):
                shown += chunk
        assert running.stdout is not None
        printed = running.stdout.read()
    assert running.returncode == 0
    assert b"people" in shown
    assert b"4/4" in shown
    assert b"\x1b" not in printed


def _read(stream: Any) -> bytes:
    try:
        return bytes(stream.read(4096))
    except OSError:
        return b""
