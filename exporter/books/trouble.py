"""Writing that fails: said once when it begins, and once when it has ended."""

import logging

LOG = logging.getLogger(__name__)


class Trouble:
    """Whether the history cannot be written at present."""

    def __init__(self) -> None:
        self._failing = False

    def note(self, error: OSError) -> None:
        """Something was not written."""
        if not self._failing:
            known = {"detail": str(error)}
            LOG.warning("history not written: counters wait until it can be", extra=known)
        self._failing = True

    def end(self) -> None:
        """Something was written."""
        if self._failing:
            self._failing = False
            LOG.info("history is written again")
