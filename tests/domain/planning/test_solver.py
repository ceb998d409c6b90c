import subprocess
import sys


def test_a_solver_prints_nothing_even_the_first_one_of_a_process() -> None:
    made = "from ampyard.domain.planning.solver import Solver; Solver().run()"
    told = subprocess.run([sys.executable, "-c", made], capture_output=True, check=True, text=True)
    assert (told.stdout, told.stderr) == ("", "")
