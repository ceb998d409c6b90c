"""Runs a program under the profiler: `python -m bench.profiled FILE MODULE ARGUMENT…`.

Measuring begins at the signal SIGUSR1, when the program is warm; at SIGTERM it ends, and FILE is written (for `pstats`).
"""

import cProfile
import runpy
import signal
import sys
import time


def main() -> None:
    """Run the module as a program."""
    file, module, *arguments = sys.argv[1:]
    # CPU time: what others do on the machine meanwhile is not the program's.
    profiler = cProfile.Profile(time.thread_time)
    signal.signal(signal.SIGUSR1, lambda _number, _frame: profiler.enable())
    # uvicorn stops at this signal, and then raises it again for the handler that was there before it.
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit())
    sys.argv = [module, *arguments]
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    finally:
        profiler.disable()
        profiler.dump_stats(file)


if __name__ == "__main__":
    main()
