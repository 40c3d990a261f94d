"""The lessons' stored tables: what takes long is measured once, row by row, and read by all."""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from ae_helpers.files import PROJECT, replacing

if TYPE_CHECKING:
    import pandas as pd

TABLES = PROJECT / "notebooks" / "tables"


def filled(
    name: str,
    columns: Sequence[str],
    plan: Iterable[tuple],
    measure: Callable[..., dict[str, Any]],
    go_on: bool = True,
) -> "pd.DataFrame":
    """The table ``notebooks/tables/NAME.csv``, with the rows that it still lacks of the plan.

    Each row is written as soon as it is measured, so a study that was stopped goes on where it was.
    To make a table anew, delete its file, or the rows in question.

    Args:
        name: of the file, without ``.csv``.
        columns: by which a row is known, such as ``["recipe", "seed"]``.
        plan: their values for each row, such as ``("steady", 0)``.
        measure: called with these values; gives the rest of the row.
        go_on: whether to measure what is missing. Otherwise the table is only read.

    Raises:
        FileNotFoundError: there is no such table, and none is to be made.
        OSError: it can't be written.
    """
    import pandas as pd

    file = TABLES / f"{name}.csv"
    begun = file.exists() or not go_on
    rows: list[dict[Any, Any]] = pd.read_csv(file).to_dict("records") if begun else []
    done = {tuple(row[column] for column in columns) for row in rows}
    for values in plan if go_on else ():
        if values not in done:
            rows.append(dict(zip(columns, values, strict=True)) | measure(*values))
            with replacing(file) as part:
                pd.DataFrame(rows).to_csv(part, index=False)
    return pd.DataFrame(rows)
