"""What Great Expectations loads for its own sake waits until somebody needs it."""

from __future__ import annotations

import subprocess
import sys

_LOADING = """
import sys
import expectations.great
waiting = type(sys.modules["scipy.stats"]).__name__
import scipy.stats
from scipy import stats
print(waiting, round(float(stats.norm.cdf(0)), 3), round(float(scipy.stats.norm.cdf(0)), 3), "scipy.stats._distn_infrastructure" in sys.modules)
"""


def test_a_module_put_off_is_whole_at_its_first_use() -> None:
    told = subprocess.run([sys.executable, "-c", _LOADING], capture_output=True, text=True, check=True).stdout
    assert told.split() == ["_PutOff", "0.5", "0.5", "True"]


_ABSENT = """
import sys
from expectations.put_off import absent
with absent("wave"):
    try:
        import wave
        print("there")
    except ImportError:
        print("absent")
import wave
print("there" if wave.open else "")
import expectations.great
print("pyspark" in sys.modules)
"""


def test_a_module_is_absent_only_while_it_is_said_to_be() -> None:
    told = subprocess.run([sys.executable, "-c", _ABSENT], capture_output=True, text=True, check=True).stdout
    assert told.split() == ["absent", "there", "False"]
