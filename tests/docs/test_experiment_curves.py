"""The curves show what the tables say."""

import json

from figures.experiment_curves import read_run, series


def written(folder, noise, variety, rank):
    folder.mkdir()
    row = {
        "solver": "posterior",
        "view": "frontal",
        "mean_rank": rank,
        "bpe_mm": 2 * rank,
        "interval95": {"mean_rank": [rank - 0.1, rank + 0.1], "bpe_mm": [1.0, 9.0]},
    }
    (folder / "experiment.json").write_text(json.dumps({"settings": {"variety": variety}}), encoding="utf-8")
    table = {"landmark_noise_face_height": noise, "rows": [row]}
    (folder / "table.json").write_text(json.dumps(table), encoding="utf-8")
    return read_run(folder)


def test_points_stand_in_order_with_their_intervals(tmp_path):
    runs = [written(tmp_path / "a", 0.02, 1.0, 3.0), written(tmp_path / "b", 0.01, 1.0, 2.0)]
    assert series(runs, "noise", "posterior", "frontal", "bpe_mm") == [(0.01, 4.0, 1.0, 9.0), (0.02, 6.0, 1.0, 9.0)]
    assert series(runs, "noise", "posterior", "frontal", "mean_rank") == [(0.01, 2.0, 1.9, 2.1), (0.02, 3.0, 2.9, 3.1)]
    assert series(runs, "noise", "posterior", "lateral", "bpe_mm") == []
    assert series(runs, "noise", "posest", "frontal", "bpe_mm") == []
