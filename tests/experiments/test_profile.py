"""The profile experiment on invented films in the challenge's layout, and who is left out."""

import csv
import json
import shutil

import cv2
import numpy as np
import pytest

from nasion.cli.main import app
from nasion.errors import NasionError
from nasion.experiments.profile import reader_mm, run_profile_experiment
from nasion.experiments.profile_films import Film, mm_per_px, read_films
from nasion.experiments.profile_found import found_films
from nasion.experiments.profile_repeats import same_pictures
from nasion.experiments.profile_tables import Told, profile_table
from nasion.reconstruction.profile.methods import METHODS
from nasion.reconstruction.profile.samples import SOFT, Profile
from reconstruction.profile.skulls import MM_PER_PX, challenge_points_px, people, picture

COLUMNS = ["image", "split", *(f"l{k}_{axis}" for k in range(1, 20) for axis in "xy")]


def own_film(sample):
    """Return a film with a texture that nobody else has."""
    rng = np.random.default_rng(list(sample.person.encode()))
    texture = cv2.GaussianBlur(rng.normal(size=(480, 387)), (0, 0), 3)
    return np.clip(picture(sample.film.hard_mm) + 15 * texture / texture.std() + 20, 0, 255).astype(np.uint8)


def write_set(folder, samples, splits, first=1):
    """Write films as the challenge's folder has them."""
    (folder / "images").mkdir(parents=True)
    with (folder / "landmarks.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(COLUMNS)
        for k, (sample, split) in enumerate(zip(samples, splits, strict=True)):
            name = f"images/{first + k:03d}.jpg"
            cv2.imwrite(str(folder / name), own_film(sample))
            writer.writerow([name, split, *np.round(challenge_points_px(sample), 3).ravel()])
    return folder


def write_pairs(folder, rows):
    lines = ["image_a,split_a,image_b,split_b,similarity,kind", *(",".join(row) for row in rows)]
    (folder / "same_patient_pairs.csv").write_text("\n".join(lines) + "\n")


@pytest.fixture(scope="module")
def one_folder(tmp_path_factory):
    folder = write_set(tmp_path_factory.mktemp("set") / "films", people(24), ["train"] * 16 + ["test1"] * 8)
    write_pairs(
        folder,
        [
            ("images/001.jpg", "train", "images/017.jpg", "test1", "0.98", "same film"),
            # 018 is a patient of train through 019
            ("images/019.jpg", "test1", "images/018.jpg", "test1", "0.7", "same patient other film"),
            ("images/002.jpg", "train", "images/019.jpg", "test1", "0.7", "same patient other film"),
            # two films of one patient who is in the test set alone
            ("images/020.jpg", "test1", "images/021.jpg", "test1", "0.9", "same film"),
        ],
    )
    return folder


def names(films):
    return [film.name[-7:-4] for film in films]


def test_one_folder_is_split_and_shared_patients_are_left_out(one_folder):
    split = read_films(one_folder, one_folder)
    assert names(split.train) == [f"{k:03d}" for k in range(1, 17)]
    assert names(split.left_out) == ["017", "018", "019"]
    assert names(split.test) == ["020", "021", "022", "023", "024"]
    assert len({film.patient for film in split.test}) == 4
    assert not {film.patient for film in split.test} & {film.patient for film in split.train}
    assert [(a.name[-7:-4], b.name[-7:-4]) for a, b in split.repeated] == [("001", "017"), ("020", "021")]


def test_two_folders_with_the_pairs_beside_one_of_them(tmp_path):
    every = people(24)
    train = write_set(tmp_path / "train", every[:16], ["train"] * 16)
    test = write_set(tmp_path / "test", every[16:], ["test"] * 8, first=17)
    write_pairs(test, [("images/003.jpg", "train", "images/022.jpg", "test1", "0.9", "same film")])
    split = read_films(train, test)
    assert (len(split.train), len(split.test), names(split.left_out)) == (16, 7, ["022"])


def test_equal_names_in_two_folders_are_no_equal_films_but_equal_files_are(tmp_path):
    every = people(24)
    train = write_set(tmp_path / "train", every[:16], ["train"] * 16)
    test = write_set(tmp_path / "test", every[16:], ["test1"] * 8)
    shutil.copy(train / "images" / "004.jpg", test / "images" / "007.jpg")
    split = read_films(train, test)
    assert (len(split.test), names(split.left_out)) == (7, ["007"])
    assert not split.pairs_known


def test_whole_sets_given_twice_are_split_as_one(one_folder, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(one_folder, copy)
    split = read_films(one_folder, copy)
    assert (len(split.train), len(split.test), len(split.left_out)) == (16, 5, 3)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda folder: (folder / "landmarks.csv").unlink(), "holds no landmarks.csv"),
        (lambda folder: (folder / "images" / "005.jpg").unlink(), "no such file"),
        (shutil.rmtree, "no such folder"),
        (lambda folder: _edit(folder, ",l19_y", ",other"), "no column 'l19_y'"),
        (lambda folder: _edit(folder, "001.jpg,train,", "001.jpg,train,x"), "is no number"),
        (lambda folder: _edit(folder, ",train,", ",test1,"), "no films of split 'train'"),
        (lambda folder: _edit(folder, ",test1,", ",train,"), "no films to judge on"),
    ],
)
def test_faults_are_told_in_one_line(one_folder, tmp_path, damage, words):
    folder = tmp_path / "films"
    shutil.copytree(one_folder, folder)
    damage(folder)
    with pytest.raises(NasionError, match=words) as fault:
        run_profile_experiment(folder, folder, tmp_path / "out")
    assert "\n" not in str(fault.value)
    assert not (tmp_path / "out").exists()


def _edit(folder, old, new):
    path = folder / "landmarks.csv"
    path.write_text(path.read_text().replace(old, new))


def test_a_film_that_looks_to_the_left_is_refused(one_folder, tmp_path):
    folder = tmp_path / "films"
    shutil.copytree(one_folder, folder)
    rows = list(csv.reader((folder / "landmarks.csv").open()))
    rows[3][2::2] = [str(387 - float(x)) for x in rows[3][2::2]]
    with (folder / "landmarks.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows(rows)
    with pytest.raises(NasionError, match="mirror the film"):
        run_profile_experiment(folder, folder, tmp_path / "out")


def test_scale_follows_the_size_of_the_picture():
    assert mm_per_px((1935, 2400)) == (pytest.approx(0.1), True)
    assert mm_per_px((774, 960)) == (pytest.approx(0.25), True)
    assert mm_per_px((387, 480)) == (pytest.approx(MM_PER_PX), True)
    assert mm_per_px((500, 500)) == (0.25, False)


def test_figures_of_known_errors():
    samples = people(6)
    off = [Profile(sample.soft_mm + np.array([3.0, 4.0])) for sample in samples]
    told = {"mean-shape": Told(off), "exact": Told([Profile(sample.soft_mm) for sample in samples])}
    table = profile_table(told, samples)["methods"]
    assert table["mean-shape"]["mean_error_mm"] == pytest.approx(5)
    assert table["mean-shape"]["interval95"] == pytest.approx([5, 5])
    assert table["exact"]["mean_error_mm"] == 0
    assert table["exact"]["minus_floor_mm"] == pytest.approx(-5)
    assert set(table["exact"]["per_landmark_mm"]) == set(SOFT)


def test_reader_is_compared_after_the_bone_is_aligned(tmp_path):
    (sample,) = people(1)
    points = challenge_points_px(sample)
    moved = points @ np.array([[0.8, -0.6], [0.6, 0.8]]).T + 300
    moved[12:16] += (0.0, 4.0)  # four pixels of 0.5 mm
    cv2.imwrite(str(tmp_path / "film.png"), np.zeros((480, 387), np.uint8))
    films = [Film(tmp_path / "film.png", "film.png", "", own, "a") for own in (points, moved)]
    found = reader_mm([(films[0], films[1])])
    assert found["mean"] == pytest.approx(2.0)
    assert reader_mm([]) is None


def test_the_command_writes_what_scripts_rely_on(one_folder, tmp_path, capsys):
    out = tmp_path / "out"
    app(
        ["experiment", "profile", "--train", str(one_folder), "--test", str(one_folder), "--out", str(out)],
        standalone_mode=False,
    )
    table = json.loads((out / "table.json").read_text())
    assert set(table["methods"]) == set(METHODS)
    for own in table["methods"].values():
        low, high = own["interval95"]
        assert low <= own["mean_error_mm"] <= high
        assert np.mean(list(own["per_landmark_mm"].values())) == pytest.approx(own["mean_error_mm"])
    assert table["left_out"] == {
        "films": 3,
        "people": 2,
        "names": ["images/017.jpg", "images/018.jpg", "images/019.jpg"],
        "pairs_table": True,
        "found_by_picture": [],
    }
    assert table["mm_per_px"] == [0.5]
    written = {"experiment.json", "table.json", "table.md", "profiles.png", "errors.png"}
    assert {path.name for path in out.iterdir()} == written
    for name in ("profiles.png", "errors.png"):
        assert cv2.imread(str(out / name)).std() > 5
    assert "| regression |" in capsys.readouterr().out


def exported_again(film, rng):
    """Return a film scanned anew: shifted, turned, blurred, of other contrast; and what moves its points."""
    turn = cv2.getRotationMatrix2D((190, 240), 2.0, 1.01)
    turn[:, 2] += (4.0, -3.0)
    moved = cv2.warpAffine(film, turn, (387, 480))
    moved = 0.6 * cv2.GaussianBlur(moved, (0, 0), 0.7) + 50 + rng.normal(0, 2, film.shape)
    return np.clip(moved, 0, 255).astype(np.uint8), turn


def test_a_film_scanned_anew_is_known_by_its_picture_and_others_are_not():
    samples, rng = people(8), np.random.default_rng(0)
    films, hard = [own_film(sample) for sample in samples], [sample.film.hard_mm for sample in samples]
    again, turn = exported_again(films[2], rng)
    films.append(again)
    # marked anew, 0.7 mm off
    hard.append((hard[2] / MM_PER_PX @ turn[:, :2].T + turn[:, 2]) * MM_PER_PX + rng.normal(0, 0.7, (15, 2)))
    assert same_pictures([lambda film=film: film for film in films], hard, [MM_PER_PX] * 9) == [(2, 8)]


def test_a_repeat_that_no_table_names_is_left_out(one_folder, tmp_path):
    folder = tmp_path / "films"
    shutil.copytree(one_folder, folder)
    film, turn = exported_again(cv2.imread(str(folder / "images" / "005.jpg"), 0), np.random.default_rng(1))
    cv2.imwrite(str(folder / "images" / "023.jpg"), film)
    rows = list(csv.reader((folder / "landmarks.csv").open()))
    points = np.array(rows[5][2:], float).reshape(-1, 2) @ turn[:, :2].T + turn[:, 2]
    rows[23][2:] = [str(v) for v in points.ravel()]
    with (folder / "landmarks.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows(rows)
    table = run_profile_experiment(folder, folder, tmp_path / "out")
    assert table["left_out"]["found_by_picture"] == [["images/005.jpg", "images/023.jpg"]]
    assert table["left_out"]["names"][-1] == "images/023.jpg"
    assert table["test"]["films"] == 4


def test_another_experiment_is_not_overwritten(one_folder, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").write_text("keep")
    with pytest.raises(NasionError, match="no profile experiment"):
        run_profile_experiment(one_folder, one_folder, out)
    assert (out / "mine.txt").read_text() == "keep"


def test_the_same_films_under_other_names_are_nobody_elses(one_folder, tmp_path):
    shutil.copytree(one_folder, tmp_path / "again")
    table = (tmp_path / "again" / "landmarks.csv").read_text().replace("images/0", "images/9")
    (tmp_path / "again" / "landmarks.csv").write_text(table)
    (tmp_path / "again" / "same_patient_pairs.csv").unlink()
    for path in sorted((tmp_path / "again" / "images").iterdir()):
        film = cv2.imread(str(path), 0)
        cv2.imwrite(str(path.with_name(path.name.replace("0", "9", 1))), film, [cv2.IMWRITE_JPEG_QUALITY, 99])
        path.unlink()
    everybody = tmp_path / "everybody"
    shutil.copytree(tmp_path / "again", everybody)
    (everybody / "landmarks.csv").write_text(table.replace(",train,", ",test1,"))
    with pytest.raises(NasionError, match="give films of other people"):
        run_profile_experiment(one_folder, _only(everybody, 16), tmp_path / "out")


def _only(folder, count):
    """Keep the first films of a set."""
    lines = (folder / "landmarks.csv").read_text().splitlines()
    (folder / "landmarks.csv").write_text("\n".join(lines[: count + 1]) + "\n")
    return folder


def test_pictures_that_cannot_be_told_apart_are_refused(tmp_path):
    same = own_film(people(1)[0])
    folder = write_set(tmp_path / "films", people(24), ["train"] * 16 + ["test1"] * 8)
    for path in (folder / "images").iterdir():
        cv2.imwrite(str(path), np.clip(same + np.random.default_rng(int(path.stem)).normal(0, 2, same.shape), 0, 255))
    with pytest.raises(NasionError, match="training patients, so that repeats cannot be told by picture"):
        run_profile_experiment(folder, folder, tmp_path / "out")


def test_minutes_that_no_generator_can_use_are_refused(tmp_path):
    for minutes, generators in ((0.0, ("pix2pix",)), (-5.0, ("pix2pix",)), (3.0, ())):
        with pytest.raises(NasionError, match=f"--minutes {minutes:g} is of no use"):
            run_profile_experiment(tmp_path, tmp_path, tmp_path / "out", generators=generators, minutes=minutes)


def test_force_does_not_take_the_films(one_folder, tmp_path):
    folder = tmp_path / "films"
    shutil.copytree(one_folder, folder)
    (folder / "experiment.json").write_text("{}")
    with pytest.raises(NasionError, match="holds the input"):
        run_profile_experiment(folder, folder, folder, force=True)
    assert (folder / "images" / "001.jpg").is_file()


def test_unknown_generators_are_refused_before_anything_is_read(tmp_path):
    with pytest.raises(NasionError, match="there is no model 'pix3pix'"):
        run_profile_experiment(tmp_path / "none", tmp_path / "none", tmp_path / "out", generators=("pix3pix",))


def test_found_landmarks_of_a_film_without_a_head_are_a_failure():
    sample = people(1)[0]
    blank = np.full((480, 387), 40, np.uint8)
    found = found_films([lambda: blank], [sample], lambda done, total: None)
    assert (found.samples, found.places, found.hard_error_mm) == ((), (), None)


def test_real_films_without_shared_patients(shared_data):
    folder = shared_data / "xray" / "cephalograms"
    split = read_films(folder, folder)
    # same_patient_pairs.csv: 18 of its pairs join train and test1
    assert (len(split.train), len(split.test), len(split.left_out)) == (150, 132, 18)
    assert len(split.repeated) == 20


def test_real_people_beat_both_floors(shared_data, tmp_path):
    folder = shared_data / "xray" / "cephalograms"
    table = run_profile_experiment(folder, folder, tmp_path / "out")
    # these were looked at: the same films
    repeats = {(one[-7:-4], other[-7:-4]) for one, other in table["left_out"]["found_by_picture"]}
    assert {("014", "287"), ("062", "288"), ("010", "295")} <= repeats and len(repeats) <= 4
    methods = table["methods"]
    for name in ("regression", "image"):
        high = methods[name]["interval95"][1]
        assert high < min(methods[floor]["interval95"][0] for floor in ("mean-shape", "mean-offset", "t-table"))
        assert methods[name]["minus_floor_interval95"][1] < 0
        assert 0.8 < methods[name]["within_90_percent_ellipse"] < 0.96


def real_subset(folder, target, keep):
    """Copy some films of the challenge's folder by number."""
    (target / "images").mkdir(parents=True)
    rows = list(csv.reader((folder / "landmarks.csv").open()))
    kept = [rows[0], *(row for row in rows[1:] if int(row[0][-7:-4]) in keep)]
    with (target / "landmarks.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows(kept)
    for row in kept[1:]:
        shutil.copy(folder / row[0], target / row[0])
    return target


def test_real_films_with_found_landmarks(shared_data, tmp_path):
    folder = real_subset(shared_data / "xray" / "cephalograms", tmp_path / "some", {*range(1, 31), 202, 203})
    found = run_profile_experiment(folder, folder, tmp_path / "out", find_landmarks=True)["found_landmarks"]
    assert found["films"] + len(found["failures"]) == 2
    assert found["hard_error_mm"] < 4
    assert set(found["methods"]) == set(METHODS)


def test_windows_of_generators_hold_the_film_and_hide_the_skin(one_folder):
    pytest.importorskip("torch")
    from nasion.experiments.profile_generators import _located, _pair
    from nasion.reconstruction.profile.floors import MeanShape

    samples = people(12)
    floor = MeanShape.fitted(samples)
    film = picture(samples[0].film.hard_mm)
    pair = _pair(film, samples[0], floor, 64, 0)
    assert pair.source.shape == pair.target.shape == (64, 64, 3)
    # the same bone in both, and nothing of the film elsewhere
    bone = pair.source > 0
    assert 0.1 < bone.mean() < 0.7
    assert abs(pair.source.astype(int) - pair.target)[bone].mean() < 12
    other = picture(samples[0].film.hard_mm)
    other[:, 330:] = 255  # in front of the face
    np.testing.assert_array_equal(_pair(other, samples[0], floor, 64, 0).source, pair.source)
    # nothing is found on a blank film: the mean shape stands in, and is counted
    profile, unseen = _located(samples[0].film, np.zeros((64, 64, 3), np.uint8), floor)
    assert 0 <= unseen <= 4 and np.isfinite(profile.points_mm).all()
