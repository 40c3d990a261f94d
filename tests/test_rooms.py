"""The rooms of the package: imports go one way, and a name says what is in a file."""

import ast
import graphlib
import re
from pathlib import Path

import pytest

import ae_helpers

PROJECT = Path(__file__).parent.parent

# In a learner's order. Whatever a room imports stands on a lower floor.
ROOMS = [
    "data",
    "models",
    "measures",
    "training",
    "plots",
    "widgets",
    "exercises",
    "course",
    "site",
]
FLOORS = ["files", *ROOMS[:6]]
BELOW = {
    **{name: {"__init__", *FLOORS[:floor]} for floor, name in enumerate(FLOORS)},
    "exercises": {"files", "data", "models", "measures"},
    "course": {"__init__", "files", "data", "models", "measures", "training", "plots"},
    "site": {*FLOORS, "course"},
    "__main__": {*FLOORS, *ROOMS},
    "__init__": set(),
}
# Files of several rooms may share a name where they share a subject.
SUBJECTS = {
    "applications": "damage, repair, compression and detection, of lesson 11",
    "architectures": "the networks that lesson 08 compares",
    "datasets": "lesson 10's networks, each on each dataset",
    "latent": "codes, and the space in which they lie",
    "pictures": "images side by side",
    "vae": "the variational autoencoder",
}


def modules(package):
    """The file of each module, by its dotted name; a package's is its ``__init__``."""
    found = {}
    for path in sorted(package.rglob("*.py")):
        *parts, stem = path.relative_to(package.parent).with_suffix("").parts
        found[".".join(parts if stem == "__init__" else [*parts, stem])] = path
    return found


def room(module):
    """Where a module belongs: ``ae_helpers.data.images`` is of ``data``."""
    return [*module.split("."), "__init__"][1]


def references(module, path, known):
    """What a module takes from others: pairs of a module and of a name in it, or ``None``.

    Imports inside functions and for the type checker count, too, and so does ``module._name``.
    """
    tree, bound = ast.parse(path.read_text(encoding="utf-8")), {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name in known:
                    bound[alias.asname or alias.name] = alias.name
                    yield alias.name, None
        elif isinstance(node, ast.ImportFrom):
            start = ["." * node.level + (node.module or "")]
            if node.level:  # relative to the package in which the module lies
                parts = module.split(".") + ["__init__"] * (path.stem == "__init__")
                start = parts[: -node.level] + ([node.module] if node.module else [])
            source = ".".join(start)
            for alias in node.names if source in known else ():
                whole = f"{source}.{alias.name}"
                bound[alias.asname or alias.name] = whole if whole in known else source
                yield (whole, None) if whole in known else (source, alias.name)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            owner = ast.unparse(node.value)
            if (source := bound.get(owner) or bound.get(owner.partition(".")[0])) is not None:
                yield source, node.attr


def import_problems(package):
    """Circles, imports from a higher floor and private names of another room, a line each."""
    known, problems = modules(package), []
    graph = {module: set() for module in known}
    for module, path in known.items():
        here = room(module)
        for source, name in references(module, path, known):
            there = room(source)
            graph[module].add(source)
            if here != there and there not in BELOW.get(here, ()):
                problems.append(f"{module} imports {source}: {here} stands below {there}")
            if here != there and name and re.match(r"_(?!_)", name):
                problems.append(f"{module} takes {name} of {source}: private to {there}")
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        problems.append(f"a circle of imports: {' ← '.join(error.args[1])}")
    return list(dict.fromkeys(problems))


def name_problems(package):
    """What lies in the root but doesn't belong there, and files that share only their name."""
    problems, rooms = [], {}
    for path in modules(package).values():
        if path.parent == package and path.stem not in ("__init__", "__main__", "files"):
            problems.append(f"{path.name} lies in the root; expected in one of {', '.join(ROOMS)}")
        elif path.parent.parent == package and path.parent.name not in ROOMS:
            problems.append(f"{path.parent.name}/{path.name}: there is no such room")
        if path.stem != "__init__":
            rooms.setdefault(path.stem, []).append(path.parent.name)
    for stem, places in rooms.items():
        if len(places) > 1 and stem not in SUBJECTS:
            problems.append(
                f"{stem}.py is in {' and '.join(places)}; expected a name for each that says what "
                "is in it, or a line in SUBJECTS that says what they share"
            )
    return problems


def test_imports_go_one_way():
    assert import_problems(PROJECT / "ae_helpers") == []


def test_a_name_says_what_is_in_a_file():
    assert name_problems(PROJECT / "ae_helpers") == []


def test_the_rooms_are_listed_in_a_learners_order():
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `ae_helpers/(\w+)/` \| \S", readme, re.MULTILINE)
    assert listed == re.findall(r"^- ``(\w+)``: \S", ae_helpers.__doc__, re.MULTILINE) == ROOMS
    assert set(ROOMS) == {path.parent.name for path in (PROJECT / "ae_helpers").glob("*/*.py")}


# ---- the checks themselves: each finds what is planted

HOUSE = {
    "__init__.py": "",
    "__main__.py": "from ae_helpers.plots import draw",
    "files.py": "_private = 1",
    "data/__init__.py": "from ae_helpers.data.images import Images",
    "data/images.py": "from ae_helpers import files\n_private = files.__name__\nclass Images: ...",
    "models/__init__.py": "",
    "models/vae.py": "from ae_helpers.data import Images",
    "plots/__init__.py": "from ae_helpers.plots.vae import draw",
    "plots/vae.py": "def draw():\n    from ae_helpers import models\n    import ae_helpers.files",
}


@pytest.fixture
def house(tmp_path):
    """A function that builds a small package, in which some files are others."""

    def build(planted):
        for name, source in (HOUSE | planted).items():
            path = tmp_path / "ae_helpers" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(source)
        return tmp_path / "ae_helpers"

    return build


PLANTED = {
    "a circle of imports: ae_helpers.data ← ae_helpers.data.images ← ae_helpers.data": (
        "data/images.py", "def f():\n    from . import Images",
    ),
    "ae_helpers.data.images imports ae_helpers.models: data stands below models": (
        "data/images.py", "def f():\n    from ae_helpers import models",
    ),
    "ae_helpers.models.vae imports ae_helpers.plots.vae: models stands below plots": (
        "models/vae.py", "if TYPE_CHECKING:\n    import ae_helpers.plots.vae as v",
    ),
    "ae_helpers.course.series imports ae_helpers.__main__: course stands below __main__": (
        "course/series.py", "from ae_helpers import __main__",
    ),
    "ae_helpers.models.vae takes _private of ae_helpers.data.images: private to data": (
        "models/vae.py", "from ..data.images import _private as public",
    ),
    "ae_helpers.models.vae takes _private of ae_helpers.files: private to files": (
        "models/vae.py", "from ae_helpers import files\nx = files._private",
    ),
    "ae_helpers.models.vae takes _private of ae_helpers.data: private to data": (
        "models/vae.py", "from ae_helpers.data import Images\nImages._private",
    ),
}  # fmt: skip


def test_a_good_house_is_left_alone(house):
    package = house({"data/made.py": "from ae_helpers.data.images import _private"})
    assert import_problems(package) == name_problems(package) == []


@pytest.mark.parametrize("problem", PLANTED)
def test_planted_imports_are_found(house, problem):
    assert import_problems(house(dict([PLANTED[problem]]))) == [problem]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("topic.py", "topic.py lies in the root; expected in one of data, models"),
        ("attic/__init__.py", "attic/__init__.py: there is no such room"),
        ("models/images.py", "images.py is in data and models; expected a name for each"),
    ],
)
def test_planted_names_are_found(house, name, words):
    (problem,) = name_problems(house({name: ""}))
    assert words in problem
