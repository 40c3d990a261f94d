"""The code of the stored lessons, for the tests of their tables."""

import nbformat

from ae_helpers.course import series


def find(number):
    """The lesson of that number, as "07"."""
    return next(path for path in series.find_lessons() if path.name.startswith(number))


def source(lesson, start):
    """The code of the one cell that starts so."""
    cells = [c for c in nbformat.read(lesson, as_version=4).cells if c.cell_type == "code"]
    (found,) = [cell.source for cell in cells if cell.source.startswith(start)]
    return found
