"""What pages get of an explorer's arguments: all that they need, and nothing twice."""

import torch
from torch import nn

from ae_helpers.measures import baselines, pca
from ae_helpers.models import Paired, shipped
from ae_helpers.site import exports


def test_a_network_that_is_pca_is_not_written_beside_pca(small):
    directions = pca.principal_directions(small.train_images)
    trained = baselines.pca_network(directions, 3)
    with torch.no_grad():
        trained.decoder[1].bias[0] += 1e-6
    given = {
        "backbone": shipped.backbone(),
        "PCA": baselines.pca_network(directions, 3),
        "trained": trained,
        "other": Paired(
            nn.Sequential(nn.Flatten(), nn.Linear(784, 3, bias=False)),
            nn.Sequential(nn.Flatten(), nn.Linear(3, 784), nn.Unflatten(1, (1, 28, 28))),
            3,
        ),
    }
    data = exports.architecture_picker(given, small)
    written = [name for name, side in data["networks"].items() if side["model"] is not None]
    assert written == ["backbone", "trained", "other"]
    assert len(data["directions"]["axes"]) == 64
