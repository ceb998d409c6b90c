"""The process that plans: takes problems at its standard input, answers at its standard output, one after another, until that is closed.

Each message is eight bytes of length, big-endian, and a pickle. It is started by `solving.SolverProcess`, as `python -m`, with the name of
what solves as `module:function`.
"""

import os
import pickle
import signal
import struct
import sys
from importlib import import_module
from typing import BinaryIO

LENGTH = struct.Struct(">Q")


def serve(solve_name: str, problems: BinaryIO, answers: BinaryIO) -> None:
    """Answer problems with plans, and what goes wrong with its text, until there are no more."""
    module, _, name = solve_name.partition(":")
    solve = getattr(import_module(module), name)
    while header := problems.read(LENGTH.size):
        problem, time_limit_s = pickle.loads(problems.read(*LENGTH.unpack(header)))  # noqa: S301 - from the process that started this one
        answer: tuple[object, str | None]
        try:
            answer = solve(problem, time_limit_s=time_limit_s), None
        except Exception as error:  # noqa: BLE001 - told to the one who asks, who records it
            answer = None, f"{type(error).__name__}: {error}"
        packed = pickle.dumps(answer)
        answers.write(LENGTH.pack(len(packed)) + packed)
        answers.flush()


def main() -> None:
    """Serve over this process's own streams."""
    # Whoever stops the product from a terminal stops the one who asks, who then closes our input.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # What solvers print must not get between the answers.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    serve(sys.argv[1], sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
