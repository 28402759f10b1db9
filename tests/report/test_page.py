"""The report: self-contained, escaped, careful in its words, complete in its record."""

import json
import re
import tomllib
from html.parser import HTMLParser
from importlib.metadata import version
from pathlib import Path

import pytest
from PIL import Image

from casework.case_folder import TRUE_PERSON, CaseFolder
from nasion.casework.identify import identify_gallery, identify_skulls
from nasion.casework.inputs import load_photograph
from nasion.casework.records import PhotoFiles, SkullFiles
from nasion.report.folder import write_case
from nasion.report.page import LIBRARIES

HOSTILE = '<script>alert("x")&<img src=x onerror=alert(1)>'
FORBIDDEN = ("identified", "confirmed", "proves", "proven", "certainly", "positive match", "is a match")


class Page(HTMLParser):
    """Collects tags with their attributes, and the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))


def written(case, folder: Path, details: int = 5) -> Page:
    folder.mkdir(parents=True)
    write_case(case, folder, details)
    return Page((folder / "report.html").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def gallery_report(case_folder: CaseFolder, tmp_path_factory: pytest.TempPathFactory):
    out = tmp_path_factory.mktemp("report") / "out"
    case = identify_gallery(SkullFiles("skull", case_folder.cranial, case_folder.mesh), case_folder.gallery)
    return case, out, written(case, out, details=2)


def test_nothing_is_requested_from_anywhere(gallery_report):
    _, out, page = gallery_report
    for tag, attributes in page.tags:
        assert tag not in ("link", "iframe", "object", "embed", "base")
        for name in ("src", "href", "srcset", "action", "poster", "data", "xlink:href"):
            value = attributes.get(name)
            assert value is None or value.startswith(("data:image/", "#")), (tag, name, value[:80])
    html = (out / "report.html").read_text(encoding="utf-8")
    assert not re.search(r"url\(|@import|fetch\(|XMLHttpRequest|https?://", html)


def test_links_lead_to_chapters(gallery_report):
    _, _, page = gallery_report
    ids = {attributes.get("id") for _, attributes in page.tags}
    links = [attributes["href"] for tag, attributes in page.tags if tag == "a"]
    assert len(links) == 2
    assert all(link.removeprefix("#") in ids for link in links)


def test_words_stay_within_degrees_of_support(gallery_report):
    _, _, page = gallery_report
    text = page.text.lower()
    assert [word for word in FORBIDDEN if word in text] == []
    assert "not calibrated" in text
    assert "nan" not in re.findall(r"[a-z]+", text)


def test_the_record_is_complete(gallery_report):
    case, _, page = gallery_report
    assert all(file.sha256 in page.text and file.path in page.text for file in case.inputs)
    for person in case.candidates:
        assert person.id in page.text
        assert person.support.degree.value in page.text
    for word in ("Python", "numpy", "scipy", "seed", "solver", case.tissue["name"]):
        assert word in page.text


def test_figures_of_the_shown_candidates(gallery_report):
    case, _, page = gallery_report
    for candidate in case.candidates[:2]:
        assert candidate.support.sentence in page.text
        for solved, measured in zip(candidate.photos, candidate.measures, strict=True):
            assert f"{100 * measured.rms_face_height:.1f} % of the face height" in page.text
            assert solved.photo in page.text


def test_pictures_in_full_size_for_the_shown_ones_only(gallery_report):
    case, out, _ = gallery_report
    files = sorted(path.name for path in (out / "pictures").iterdir())
    # two candidates x two photographs x four kinds
    assert len(files) == 16
    assert sum(TRUE_PERSON in name for name in files) == 8
    assert all(Image.open(out / "pictures" / name).size >= (200, 200) for name in files)
    assert {path.name for path in out.iterdir()} == {"report.html", "result.json", "pictures"}
    assert json.loads((out / "result.json").read_text())["candidates"][0]["id"] == case.best.id


def test_names_are_escaped_everywhere(own_case: CaseFolder, tmp_path: Path):
    (own_case.gallery / TRUE_PERSON).rename(own_case.gallery / HOSTILE.replace("/", ""))
    case = identify_gallery(SkullFiles(HOSTILE, own_case.cranial, own_case.mesh), own_case.gallery)
    page = written(case, tmp_path / "out")
    assert case.best.id == HOSTILE
    assert HOSTILE in page.text
    assert sum(tag == "script" for tag, _ in page.tags) == 1
    assert not any("onerror" in attributes for _, attributes in page.tags)
    assert all(attributes.get("src", "data:") != "x" for _, attributes in page.tags)
    assert all(re.fullmatch(r"[\w-]+\.png", path.name) for path in (tmp_path / "out" / "pictures").iterdir())


def test_what_was_not_used_is_told(own_case: CaseFolder, tmp_path: Path):
    (own_case.gallery / "nobody").mkdir()
    own_case.facial("lateral").unlink()
    case = identify_gallery(SkullFiles("skull", own_case.cranial, own_case.mesh), own_case.gallery)
    page = written(case, tmp_path / "out")
    assert len(case.problems) == 2
    for problem in case.problems:
        assert re.sub(r"\s+", " ", problem.reason) in page.text
    assert "lateral.png not used" in page.text
    assert "not compared" in page.text


def test_several_skulls_are_each_drawn_with_their_own_surface(case_folder: CaseFolder, tmp_path: Path):
    files = PhotoFiles("frontal.png", case_folder.photo(), case_folder.facial(), case_folder.mask())
    case = identify_skulls([load_photograph(files)], case_folder.skulls)
    written(case, tmp_path / "out", details=2)
    blends = [path for path in (tmp_path / "out" / "pictures").iterdir() if path.name.endswith("_blend.png")]
    assert len(blends) == 2
    assert len({path.read_bytes() for path in blends}) == 2


def test_landmarks_alone_give_a_report_without_skull(case_folder: CaseFolder, tmp_path: Path):
    case = identify_gallery(SkullFiles("skull", case_folder.cranial), case_folder.gallery)
    page = written(case, tmp_path / "out", details=1)
    assert {path.name.rsplit("_", 1)[1] for path in (tmp_path / "out" / "pictures").iterdir()} == {"landmarks.png"}
    assert not any("data-opacity" in attributes for _, attributes in page.tags)


NO_PART = {"sqlalchemy", "pydantic", "typer", "rich", "jinja2"}
"""Dependencies that check input or show output, and compute nothing."""


def test_every_dependency_that_takes_part_in_a_result_is_told(gallery_report):
    text = (Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8")
    needed = {re.split("[<>=]", line)[0] for line in tomllib.loads(text)["project"]["dependencies"]}
    assert needed > NO_PART
    assert set(LIBRARIES) == needed - NO_PART
    for name in LIBRARIES:
        assert f"{name} {version(name)}" in gallery_report[2].text
