"""HiGHS as the linear programmes here use it: silent, on one thread, with a whole model passed in one go."""

import highspy
import numpy as np
import numpy.typing as npt

from ampyard.domain.planning.layout import Floats, Ints


class Solver(highspy.Highs):
    """A solver that prints nothing, and takes one CPU and not all; with one thread the same model has the same answer, too."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # its stub leaves it out
        self.setOptionValue("threads", 1)

    def enableCallbacks(self) -> None:  # noqa: N802  # as HiGHS calls it
        """Be silent from here on. This is the first thing done to a new solver, and what makes it print its name and licence."""
        self.setOptionValue("output_flag", False)
        super().enableCallbacks()  # type: ignore[no-untyped-call]  # as above

    def load(
        self,
        cost: Floats,
        bounds: tuple[Floats, Floats],
        row_bounds: tuple[Floats, Floats],
        entries: tuple[Ints, Ints, Floats],
        *,
        integer: npt.NDArray[np.bool_] | None = None,
        sense: highspy.ObjSense = highspy.ObjSense.kMinimize,
    ) -> None:
        """Take a model: what each column costs, lower and upper bounds of columns and of rows, and rows, columns and values of the matrix.

        The entries of the matrix come in any order, one at most for each row and column.
        """
        rows, places, coefficients = entries
        order = np.lexsort((places, rows))
        self.passModel(
            len(cost),
            len(row_bounds[0]),
            len(order),
            int(highspy.MatrixFormat.kRowwise),
            int(sense),
            0.0,
            cost,
            *bounds,
            *row_bounds,
            np.searchsorted(rows[order], np.arange(len(row_bounds[0]) + 1)).astype(np.int32),
            places[order].astype(np.int32),
            coefficients[order],
            (np.zeros(len(cost)) if integer is None else integer).astype(np.int32),
        )
