"""Badges: as many as asked for, the same from the same seed, and flawed where they say so."""

import pytest
import torch

from ae_helpers import data
from ae_helpers.data import badges


def test_a_folder_of_badges(tmp_path):
    folder = data.draw_badges(tmp_path / "some" / "badges", good=12, flawed=8, seed=3)
    found = data.load_folder(folder, 3)
    assert found.train_images.shape == (16, 3, 64, 64) and found.test_images.shape[0] == 4
    assert found.classes == ("badges", *(f"flawed/{kind}" for kind in sorted(badges.DEFECTS)))
    labels = torch.cat([found.train_labels, found.test_labels])
    assert labels.bincount().tolist() == [12, 2, 2, 2, 2]
    assert [path.name for path in folder.parent.iterdir()] == ["badges"]  # nothing half-done


def test_seeds_and_folders_that_are_there(tmp_path, monkeypatch):
    one, same, other = (
        data.load_folder(data.draw_badges(tmp_path / name, 4, 4, seed), 3).train_images
        for name, seed in (("a", 0), ("b", 0), ("c", 1))
    )
    assert torch.equal(one, same) and not torch.equal(one, other)
    monkeypatch.setattr(badges, "badge", None)  # nothing is drawn any more
    assert data.draw_badges(tmp_path / "a", 400, 4, 7) == tmp_path / "a"


def test_an_interrupt_leaves_nothing(tmp_path, monkeypatch):
    def badge(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(badges, "badge", badge)
    with pytest.raises(KeyboardInterrupt):
        data.draw_badges(tmp_path / "badges", 2, 2)
    assert not list(tmp_path.iterdir())


def test_the_same_badge_in_another_size():
    small, large = (data.badge(torch.Generator().manual_seed(2), side=side) for side in (64, 128))
    assert large.shape == (3, 128, 128)
    scaled = torch.nn.functional.avg_pool2d(large.float(), 2)
    assert (scaled - small).abs().mean() < 4  # the camera's noise, and edges


@pytest.mark.parametrize("defect", badges.DEFECTS)
def test_a_defect_changes_a_part_of_the_badge(defect):
    """The same badge without it: the same numbers are drawn up to where the defect is."""
    whole, flawed = (
        badges.badge(torch.Generator().manual_seed(5), kind).int() for kind in ("", defect)
    )
    assert (whole - flawed).abs().max() > 60
    # most of the ground stays, whatever is drawn later: the corners
    assert (whole - flawed)[:, :4, :4].abs().max() < 40
