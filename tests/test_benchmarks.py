"""The parts of `training_speed.py` that measure nothing, and those peers that are installed."""

import json
import sys
from pathlib import Path

import pytest
import torch

from ae_helpers import data

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import peers  # noqa: E402
import site_speed  # noqa: E402
import training_speed  # noqa: E402

SECONDS = {"plain PyTorch": [2.0, 9.0, 2.4], "`fit`": [1.0, 3.0, 1.0]}


def test_ratios_are_of_neighbours():
    assert training_speed.ratios(SECONDS) == {"plain PyTorch": 2.4}  # of 2, 3 and 2.4


def test_the_table_has_a_line_per_peer():
    plain, ours = training_speed.table(SECONDS, images=1_800).splitlines()[2:]
    assert plain.startswith("| plain PyTorch | torch ") and ours.startswith("| `fit` | torch ")
    assert plain.endswith(" | 750 | 200 | 900 | 2.40 |")
    assert ours.endswith(" | 1,800 | 600 | 1,800 | 1.00 |")


def test_a_table_replaces_only_its_own():
    text = "a\n<!-- 1 thread: begin -->\nold\n<!-- 1 thread: end -->\nb\n"
    new = training_speed.insert(text, "new", "1 thread")
    assert new == text.replace("old", "new")
    with pytest.raises(ValueError, match="2 threads: begin.* expected a place"):
        training_speed.insert(text, "new", "2 threads")


def test_a_ratio_that_fell_is_named():
    stored = {"plain PyTorch": 2.0, "Flax": 1.6, "Lightning": 2.2}
    assert training_speed.fallen(stored, {"plain PyTorch": 1.51, "Flax": 3.0}) == []
    [line] = training_speed.fallen(stored, {"plain PyTorch": 1.49, "Flax": 1.6})
    assert line.startswith("plain PyTorch: `fit` is 1.49 times as fast; expected the stored 2.00")
    assert "25%" in line


def test_the_figures_of_the_site_are_told():
    sizes = {"index.html": 900.0, "gallery.html": 2_100.0, "search.html": 600.0}
    answers = {"blend": [(9.0, 2.0), (10.0, 3.0), (30.0, 4.0)]}
    text = site_speed.tables([1.5, 1.0, 2.25], 4, sizes, answers)
    for words in ("after 1.5 s", "at most 2.2 s", "slowed down 4 times", "| `blend` | 10.0 ms "):
        assert words in text
    assert "`gallery.html`, 2,100 kB before" in text and "the front page loads 900 kB" in text
    assert "| 3.0 ms |" in text and "| `search.html` | 600 |" in text


def test_what_is_stored_stands_in_the_readme():
    text = (BENCHMARKS / "README.md").read_text()
    for where, ratios in json.loads((BENCHMARKS / "training_speed.json").read_text()).items():
        table = text.split(f"<!-- {where}: begin -->")[1].split(f"<!-- {where}: end -->")[0]
        rows = [line.strip("| ").split(" | ") for line in table.splitlines() if "|" in line][2:]
        assert {row[0]: row[-1] for row in rows} == {
            **{peer: f"{ratio:.2f}" for peer, ratio in ratios.items()},
            "`fit`": "1.00",
        }


def test_a_missing_peer_is_known(monkeypatch):
    monkeypatch.setitem(peers.ON_CPU, "new", (print, ["torch", "no_such_package"]))
    assert peers.missing("new") == ["no_such_package"] and peers.missing("`fit`") == []


def test_another_network_is_refused():
    peers.check_layers("Flax", [28, 16, 8, 4, 1, 4, 8, 16, 28], 94_393)
    with pytest.raises(ValueError, match="Flax has images of sides .* 17, .* expected .* 16, "):
        peers.check_layers("Flax", [28, 17, 8, 4, 1, 4, 8, 16, 28], 94_393)


@pytest.mark.parametrize(
    ("device", "peer"),
    [  # the others read MNIST's files, or compile for a minute
        *(("cpu", name) for name in ("PyTorch, in memory", "Keras on JAX", "Flax", "`fit`")),
        *(("cuda", name) for name in ("PyTorch, in memory", "Flax, an epoch one call", "`fit`")),
    ],
)
def test_installed_peers_train(device, peer, monkeypatch):
    if device == "cuda" and not torch.cuda.is_available():
        pytest.skip("no GPU with CUDA here")
    if lacking := peers.missing(peer, device):
        pytest.skip(f"not installed: {', '.join(lacking)}")
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    monkeypatch.setattr(peers.fit_module, "best_device", None)  # which a peer replaces
    train = peers.PEERS[device][peer][0](data.load("mnist").take(train=40, test=10), device)
    train()
    train()


def test_what_is_compared_is_compared_with_fit():
    for device, named in peers.PEERS.items():
        assert [*named][-1] == training_speed.FIT and device in training_speed.SURROUNDINGS


def test_without_a_gpu_there_is_nothing_to_measure_on_it(monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(sys, "argv", ["training_speed.py", "--device", "cuda"])
    with pytest.raises(SystemExit) as stopped:
        training_speed.main()
    assert stopped.value.code == 2
    said = capsys.readouterr().err
    assert "--device cuda: this PyTorch finds no GPU; expected one by NVIDIA" in said
    assert "Leave it out to measure on the CPU" in said
