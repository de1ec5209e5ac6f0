"""What the machine is, for the record."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

_TOLD_FLAGS = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_int8", "amx_bf16")


def describe(device: torch.device, command: str) -> dict[str, Any]:
    """The command line, processor, threads, device and versions."""
    flags = cpu_facts("flags", "Features").split()
    found: dict[str, Any] = {
        "command": command,
        "cpu": cpu_facts("model name") or platform.processor(),
        "flags": [flag for flag in _TOLD_FLAGS if flag in flags],
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "device": str(device),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "kernels": torch.backends.cpu.get_cpu_capability(),
        "versions": {name: version(name) for name in ("torch", "transformers", "peft", "fair-esm")},
    }
    if device.type == "cuda":
        found["gpu"] = torch.cuda.get_device_name(device)
    return found


def cpu_facts(*keys: str) -> str:
    """What Linux says of the first processor under a key; empty where it does not say."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(keys)), "")
