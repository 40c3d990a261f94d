"""The code and the tables of the stored lessons, for the tests of the tables."""

import ast

import nbformat
import pandas as pd

from ae_helpers.course import series


def find(number):
    """The lesson of that number, as "07"."""
    return next(path for path in series.find_lessons() if path.name.startswith(number))


def table(number, name):
    return pd.read_csv(find(number).parent / "tables" / f"{name}.csv")


def keys(table, *columns):
    """What the rows have in these columns: a sorted list of tuples."""
    return sorted(table[list(columns)].itertuples(index=False, name=None))


def define(number, *names, **known):
    """What the lesson defines by these names, beside its imports, its parameters and ``known``.

    Those of its statements run that define one of them or put something into one, and no others.
    """
    for cell in nbformat.read(find(number), as_version=4).cells:
        for statement in ast.parse(cell.source).body if cell.cell_type == "code" else []:
            imports = isinstance(statement, (ast.Import, ast.ImportFrom))
            parameter = "parameters" in cell.metadata.get("tags", [])
            if imports or parameter or _defined(statement) & set(names):
                exec(ast.unparse(statement), known)  # ours
    assert set(names) <= known.keys()
    return known


def _defined(statement):
    if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
        return {statement.name}
    if isinstance(statement, ast.Assign):  # to a name, to several, to a place in one
        return {
            node.id
            for target in statement.targets
            for node in ast.walk(target)
            if isinstance(node, ast.Name)
        }
    return {statement.target.id} if isinstance(statement, ast.AugAssign) else set()
