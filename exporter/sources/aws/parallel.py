"""Several upstream calls at the same time."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import TypeVar

T = TypeVar("T")


def run_all(tasks: Sequence[Callable[[], T]], threads: int) -> list[T]:
    """Run every task on up to ``threads`` threads and give the results in their order.

    The first error is raised, and no further task begins after one. The threads are daemons:
    concurrent.futures' own pool would hold up the end of the process for a call that hangs.
    """
    futures: list[Future[T]] = [Future() for _ in tasks]
    waiting: SimpleQueue[tuple[Callable[[], T], Future[T]]] = SimpleQueue()
    for pair in zip(tasks, futures, strict=True):
        waiting.put(pair)
    failed = threading.Event()

    def work() -> None:
        while not failed.is_set():
            try:
                task, future = waiting.get_nowait()
            except Empty:
                return
            try:
                future.set_result(task())
            except Exception as error:  # noqa: BLE001 - result() raises it in the calling thread
                failed.set()
                future.set_exception(error)

    for number in range(min(threads, len(tasks))):
        threading.Thread(target=work, name=f"aws-call-{number}", daemon=True).start()
    # Tasks begin in order, so a failed one comes before any that was never begun.
    return [future.result() for future in futures]
