"""Training with the parameters shared out over devices: FSDP2 (Zhao et al., VLDB 2023)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lightning.fabric.utilities.optimizer import _optimizer_to_device
from lightning.fabric.utilities.types import _PATH
from lightning.pytorch import LightningModule
from lightning.pytorch.strategies import ModelParallelStrategy, ParallelStrategy
from torch import Tensor, nn
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.fsdp import FSDPModule, fully_shard, register_fsdp_forward_method
from torch.distributed.tensor import DTensor, distribute_tensor
from torch.optim import Optimizer
from torch.utils._pytree import tree_map

from peftsp.backbone.esm2 import Block
from peftsp.training.muon import MuonAdamW

_STEPS = ("training_step", "validation_step", "test_step")


def shard(module: LightningModule, mesh: DeviceMesh) -> None:
    """Share out the parameters of a module, in place; a second time nothing happens.

    Each transformer block is gathered just before it computes, and what lies outside of the blocks
    for the length of a step.

    Args:
        module: Computes in its steps.
        mesh: The devices, in one dimension.
    """
    if isinstance(module, FSDPModule):
        return
    for part in module.modules():
        if isinstance(part, Block):
            fully_shard(part, mesh=mesh)
    fully_shard(module, mesh=mesh, reshard_after_forward=True)
    for step in _STEPS:
        register_fsdp_forward_method(module, step)


class FullySharded(ModelParallelStrategy):
    """Data parallel over all devices, which share the parameters out.

    The module has to call `shard` in ``configure_model``. Checkpoints are those of a single device:
    whole tensors, optimizer states in the order of the parameters, one file that the first process
    writes. Processes read the weights of a backbone whole before they share them out.
    """

    def __init__(self) -> None:
        super().__init__(tensor_parallel_size=1, save_distributed_checkpoint=False)

    @property
    def lightning_restore_optimizer(self) -> bool:
        """Lightning calls `load_optimizer_state_dict`."""
        return True

    def setup_environment(self) -> None:
        """Span the mesh over all processes."""
        self._data_parallel_size = self.num_nodes * self.num_processes
        super().setup_environment()

    def lightning_module_state_dict(self) -> dict[str, Any]:
        """What a checkpoint is to hold: whole tensors in the first process, nothing in others."""
        assert self.lightning_module is not None
        names = self.lightning_module.checkpoint_names()  # type: ignore[operator]
        state = self.lightning_module.state_dict()
        return self._gathered({name: state[name] for name in state if name in names})

    def optimizer_state(self, optimizer: Optimizer) -> dict[str, Any]:
        """State of an optimizer: whole tensors in the first process, nothing in others."""
        return self._gathered(optimizer.state_dict())

    def load_checkpoint(
        self, checkpoint_path: _PATH, weights_only: bool | None = None
    ) -> dict[str, Any]:
        """All that a checkpoint holds, in every process."""
        return ParallelStrategy.load_checkpoint(self, checkpoint_path, weights_only)

    def load_model_state_dict(self, checkpoint: Mapping[str, Any], strict: bool = True) -> None:
        """Take what was trained from a checkpoint."""
        assert self.lightning_module is not None
        parts = {
            name: _part_of(tensor, self.lightning_module.get_parameter(name))
            for name, tensor in checkpoint["state_dict"].items()
        }
        self.lightning_module.load_state_dict(parts, strict=strict)

    def load_optimizer_state_dict(self, checkpoint: Mapping[str, Any]) -> None:
        """Take the states of the optimizers from a checkpoint."""
        for optimizer, saved in zip(self.optimizers, checkpoint["optimizer_states"], strict=True):
            optimizer.load_state_dict(split_state(saved, optimizer))
            _optimizer_to_device(optimizer, self.root_device)

    def _gathered(self, state: dict[str, Any]) -> dict[str, Any]:
        whole = gather_state(state, keeps=self.is_global_zero)
        return whole if self.is_global_zero else {}


def gather_state(state: dict[str, Any], keeps: bool) -> dict[str, Any]:
    """Whole tensors in place of shared ones, on the CPU; all processes have to take part.

    Args:
        state: Of a module or an optimizer.
        keeps: Whether this process is to keep them; False leaves None in their places.
    """

    def gather(value: Any) -> Any:
        whole = value.full_tensor() if isinstance(value, DTensor) else value
        if not keeps:
            return None
        return whole.detach().cpu() if isinstance(whole, Tensor) else whole

    gathered: dict[str, Any] = tree_map(gather, state)
    return gathered


def split_state(saved: Mapping[str, Any], optimizer: Optimizer) -> dict[str, Any]:
    """This process's part of an optimizer's state.

    Args:
        saved: Of whole tensors.
        optimizer: Whose parameters are shared out already; one of several parts is a `MuonAdamW`.
    """
    if isinstance(optimizer, MuonAdamW):
        pairs = zip(saved["parts"], optimizer.parts, strict=True)
        return {"parts": [split_state(state, part) for state, part in pairs]}
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    numbers = [number for group in saved["param_groups"] for number in group["params"]]
    states = {
        number: {k: _part_of(v, parameter) for k, v in saved["state"][number].items()}
        for number, parameter in zip(numbers, parameters, strict=True)
        if number in saved["state"]
    }
    return {**saved, "state": states}


def _part_of(value: Any, parameter: nn.Parameter) -> Any:
    """This process's part of a tensor that is shaped as a parameter; anything else as it is."""
    is_like = isinstance(value, Tensor) and value.shape == parameter.shape
    if not is_like or not isinstance(parameter, DTensor):
        return value
    mesh = parameter.device_mesh
    whole = value.to(mesh.device_type)
    return distribute_tensor(whole, mesh, parameter.placements, src_data_rank=None)
