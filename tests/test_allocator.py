"""Freed memory is used again without asking the system for it."""

import subprocess
import sys

import pytest

PROGRAM = """
import resource
import torch
from peftsp.allocator import keep_freed_memory
{call}
for _ in range(20):
    torch.empty(20_000_000).fill_(1)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    torch.empty(20_000_000).fill_(1)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc is a C library of Linux")
def test_freed_memory_is_kept(warm_python):
    # With huge pages both are few.
    plain, kept = (page_faults(warm_python, call) for call in ("", "keep_freed_memory()"))
    assert kept <= plain / 10


def page_faults(python, call):
    program = PROGRAM.format(call=call)
    done = subprocess.run([python, "-c", program], check=True, capture_output=True)
    return int(done.stdout)
