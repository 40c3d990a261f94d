"""Lesson 07's stored tables are what its own functions make, and its intervals are the books'."""

import pytest
import torch

import lesson_code
from ae_helpers import data
from ae_helpers.models import Autoencoder, shipped

KEYS = {
    "rates": ("norm", "rate", "seed"),
    "dropout": ("place", "images", "epochs", "seed"),
    "recipes": ("recipe", "epochs", "seed"),
}
PLANS = {"rates": "rate_plan", "dropout": "dropout_plan", "recipes": "runs"}


@pytest.fixture(scope="module")
def tables():
    return {name: lesson_code.table("07", name) for name in KEYS}


@pytest.fixture(scope="module")
def lesson(sample):
    """What trains for the tables, with the sample in place of all of MNIST, and the plans."""
    needed = (
        "sticks",
        "study",
        "study_epochs",
        "tried",
        "cases",
        "recipes",
        "longer",
    )
    functions = ("plausible", "try_rate", "with_dropout", "erased", "three_errors", "try_dropout")
    wanted = (*needed, *functions, "try_recipe", *PLANS.values())
    return lesson_code.define("07", *wanted, digits=sample)


@pytest.mark.parametrize("name", KEYS)
def test_the_tables_hold_what_is_planned_and_each_row_once(tables, lesson, name):
    assert lesson_code.keys(tables[name], *KEYS[name]) == sorted(lesson[PLANS[name]])


@pytest.mark.parametrize(
    ("norm", "rate", "name"),
    [
        ("none", 0.001, "rate 1e-3"),
        ("none", 0.01, "the recipe"),
        ("none", 0.1, "rate 1e-1"),
        ("batch", 0.01, "batch norm"),
    ],
)
def test_the_rates_are_lesson_04s(tables, norm, rate, name):
    """The same study by another function: where both trained a network, it is the same one."""
    rates, cliff = tables["rates"], lesson_code.table("04", "cliff")
    ours = rates[(rates["norm"] == norm) & (rates["rate"] == rate)].set_index("seed")
    theirs = cliff[(cliff["recipe"] == name) & (cliff["seed"] < 5)].set_index("seed")
    assert ours["test error"].sort_index().tolist() == theirs["test error"].tolist()


@pytest.mark.parametrize(
    ("lost", "of", "said"),
    [(0, 20, "0% to 17%"), (2, 20, "1% to 32%"), (3, 20, "3% to 38%"), (5, 10, "19% to 81%")],
)
def test_the_intervals_are_clopper_and_pearsons(lesson, lost, of, said):
    assert lesson["plausible"](lost, of) == said


@pytest.mark.verify
def test_rows_are_derived_anew_on_the_sample(sample, tables, lesson, cpu):
    """With about as many steps as on the full set: near the stored errors, not there."""
    rates, dropped, recipes = tables["rates"], tables["dropout"], tables["recipes"]
    row = lesson["try_rate"]("batch", 0.01, 0)
    stored = rates[(rates["norm"] == "batch") & (rates["rate"] == 0.01)]["test error"]
    assert 0.8 * stored.min() < row["test error"] < 2 * stored.max()

    row = lesson["try_dropout"]("code", 19_200, lesson["study_epochs"], 0)
    assert set(row) == set(dropped.columns) - set(KEYS["dropout"])
    stored = dropped[(dropped["place"] == "code") & (dropped["images"] == 19_200)]["nothing"]
    assert 0.8 * stored.min() < row["nothing"] < 2 * stored.max()

    few = sample.take(test=500)
    again = lesson_code.define("07", "sticks", "recipes", "try_recipe", digits=few)
    row = again["try_recipe"]("steady", 15, 0)
    assert set(row) == set(recipes.columns) - set(KEYS["recipes"])
    stored = recipes[(recipes["recipe"] == "steady") & (recipes["epochs"] == 1)]["test error"]
    assert stored.min() < row["test error"] < 2 * stored.max()  # fewer digits teach less


def test_what_the_lesson_says_of_pairs(tables):
    """A share "in the median pair" isn't that of each pair."""
    one_epoch = tables["recipes"].query("epochs == 1")
    errors = one_epoch.pivot(index="seed", columns="recipe", values="test error")
    ratios = errors["batch norm"] / errors["backbone"]
    assert (ratios < 1).all() and round(ratios.median(), 1) == 0.7 < ratios.max()
    assert (errors["dropout"] / errors["backbone"]).between(1.4, 1.6).all()
    ratios = errors["batch norm"] / errors["steady"]
    assert (ratios < 1).sum() == 4 and round(ratios.median(), 1) == 0.9

    tiny = tables["dropout"].query("images == 500").set_index(["place", "seed"])["train error"]
    ratios = tiny["everywhere"] / tiny["nowhere"]
    assert (ratios > 1).all() and round(ratios.median(), 1) == 1.5 > ratios.min()


def test_dropouts_seeds_agree_in_one_of_twelve_cases(tables):
    places = tables["dropout"].query("images == 19_200").set_index(["place", "seed"])
    places = places[["nothing", "half of the pixels", "half of the code"]]
    others = ("pixels", "encoder", "code", "decoder")
    lower = [(places.loc[place] < places.loc["nowhere"]).sum() for place in others]
    assert sum(five.isin((0, 5)).sum() for five in lower) == 1 and lower[-1].iloc[1] == 0


def test_only_the_normalised_keep_their_size(sample):
    """After 200 epochs the outputs before a normalisation have grown, those behind it haven't."""
    network, x = shipped.steady().eval(), data.to_float(sample.test_images[:500])
    found = lesson_code.define("07", "spreads")["spreads"](network, x)
    assert round(min(found.values())) == 1 and max(found.values()) > 70
    behind = []
    with torch.no_grad():
        for layer in (*network.encoder, *network.decoder):
            x = layer(x)
            if isinstance(layer, torch.nn.BatchNorm2d):
                behind.append(x.std(0).mean().item())
    assert len(behind) == 6 and max(behind) < 1


def test_a_batchs_variance_is_too_small_though_divided_by_n_minus_1(sample):
    """Numbers of one image hang together, as the hint says; shuffled, they don't."""
    torch.manual_seed(0)
    with torch.no_grad():
        channels = Autoencoder().encoder.conv1(data.to_float(sample.train_images)).transpose(0, 1)
    channels = channels.flatten(1)
    shuffled = channels[:, torch.randperm(channels.shape[1])]
    missing = {}
    for name, values in {"images": channels, "shuffled": shuffled}.items():
        batches = values.unflatten(1, (125, -1)).var(2).mean(1)
        missing[name] = (1 - batches / values.var(1)).mean()
    assert missing["images"] > 3e-4 > 1e-4 > abs(missing["shuffled"])


def test_lengths_are_compared_on_one_device(tables):
    """A GPU rounds otherwise than a CPU."""
    recipes = tables["recipes"].query("epochs > 0")
    assert (recipes.groupby("epochs")["device"].nunique() == 1).all()


def test_a_row_is_the_same_twice(small, cpu):
    lesson = lesson_code.define("07", "sticks", "recipes", "try_recipe", digits=small)
    first, second = (lesson["try_recipe"]("batch norm + dropout", 1, 3) for _ in range(2))
    assert first == second
    assert (first["batch"], first["rate"], first["device"]) == (32, 0.01, "cpu")


@pytest.mark.parametrize("place", ["nowhere", "pixels", "encoder", "code", "decoder", "everywhere"])
def test_dropout_stands_where_it_is_said_to(lesson, place):
    network = lesson["with_dropout"](place)
    halves = {"encoder": network.encoder, "decoder": network.decoder}
    count = {
        name: sum(isinstance(layer, torch.nn.Dropout) for layer in half.modules())
        for name, half in halves.items()
    }
    expected = {"nowhere": (0, 0), "pixels": (1, 0), "encoder": (3, 0), "code": (1, 0)}
    expected |= {"decoder": (0, 3), "everywhere": (3, 3)}
    assert tuple(count.values()) == expected[place]
    assert network(torch.rand(2, 1, 28, 28)).shape == (2, 1, 28, 28)


@pytest.mark.parametrize("place", ["pixels", "encoder", "code", "decoder", "everywhere"])
def test_which_half_starts_from_other_weights(lesson, place):
    """The lesson says so of dropout in the encoder or in the decoder."""
    starts = []
    for each in ("nowhere", place):
        torch.manual_seed(0)
        network = lesson["with_dropout"](each)
        halves = {"encoder": network.encoder, "decoder": network.decoder}
        starts.append({name: next(half.parameters()) for name, half in halves.items()})
    plain, dropped = starts
    others = {name for name in plain if not torch.equal(plain[name], dropped[name])}
    assert others == {place} & {"encoder", "decoder"}
