"""Where what is shared with the other checks is found, by paths without detours."""

import sys
from pathlib import Path

CHECKS = Path(__file__).resolve().parents[1]
sys.path[1:1] = [str(CHECKS / "integration"), str(CHECKS.parent)]
