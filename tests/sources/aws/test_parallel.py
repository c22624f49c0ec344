import subprocess
import sys
import threading

import pytest

from exporter.sources.aws.parallel import run_all


def test_results_keep_the_order_of_the_tasks():
    """Whichever ends first, the results are in the order asked."""
    second_done = threading.Event()

    def first():
        second_done.wait(5)
        return 1

    def second():
        second_done.set()
        return 2

    assert run_all([first, second], threads=2) == [1, 2]


def test_no_more_threads_than_allowed():
    """Many tasks share the threads; each of them runs once."""
    names = run_all([lambda: threading.current_thread().name] * 50, threads=3)

    assert len(names) == 50
    assert len(set(names)) <= 3


def test_nothing_to_do():
    """Without tasks there are no results."""
    assert run_all([], threads=8) == []


def test_the_first_error_is_raised_and_ends_the_work():
    """A failing task keeps those behind it from beginning: they would cost money for nothing."""
    ran = []

    def fail():
        raise LookupError("first")

    with pytest.raises(LookupError, match="first"):
        run_all([fail, *[lambda: ran.append(1)] * 20], threads=1)

    assert ran == []


def test_a_hanging_call_does_not_hold_up_the_exit():
    """The process ends although a task never does."""
    code = (
        "import threading\n"
        "from exporter.sources.aws.parallel import run_all\n"
        "begun = threading.Event()\n"
        "def hang():\n"
        "    begun.set()\n"
        "    threading.Event().wait()\n"
        "threading.Thread(target=run_all, args=([hang], 1), daemon=True).start()\n"
        "begun.wait()\n"
    )

    ended = subprocess.run([sys.executable, "-c", code], timeout=20, check=False)

    assert ended.returncode == 0
