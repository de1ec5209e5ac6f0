"""ONNX's Scan: a loop over residues as one node with a graph of its own."""

from __future__ import annotations

from itertools import count
from typing import Any

from onnxscript import ir
from onnxscript import opset23 as op

_numbers = count()

Value = Any
"""A value of the graph."""


class Loop:
    """What happens at one residue, put together node by node.

    Args:
        carried: Dtype of what goes from one residue to the next.
        read: Dtypes of what is read at each residue.

    Attributes:
        carried: What the residue before left.
        read: What is read here.
    """

    def __init__(self, carried: ir.DataType, *read: ir.DataType) -> None:
        self.carried, *self.read = (
            ir.Value(name=self._name(), type=ir.TensorType(dtype)) for dtype in (carried, *read)
        )
        self._nodes: list[ir.Node] = []

    def add(self, operation: str, *inputs: Value, **attributes: Any) -> Value:
        """Add a node; its inputs may be values of the graph around the loop."""
        node = ir.node(operation, inputs, attributes, outputs=[ir.Value(name=self._name())])
        self._nodes.append(node)
        return node.outputs[0]

    def run(
        self, start: Value, read: list[Value], left: Value, found: Value, *, backwards: bool = False
    ) -> tuple[Value, Value]:
        """Add the loop to the graph that is being written.

        Args:
            start: What the first residue is left.
            read: Whose first dimension is that of residues.
            left: What goes to the next residue.
            found: What each residue gives.
            backwards: Begin at the last residue.

        Returns:
            What the last residue leaves, and what all gave, in the order of residues.
        """
        # A graph's outputs are to be different values.
        outputs = [self.add("Identity", left), self.add("Identity", found)]
        for value, dtype in zip(outputs, (self.carried.type, None), strict=True):
            value.type = dtype
        body = ir.Graph([self.carried, *self.read], outputs, nodes=self._nodes, name=self._name())
        direction = int(backwards)
        left_last = op.Scan(
            *(start, *read),
            body=body,  # type: ignore[arg-type]
            num_scan_inputs=len(read),
            scan_input_directions=[direction] * len(read),
            scan_output_directions=[direction],
        )
        node = left_last.producer()
        node.resize_outputs(2)
        return node.outputs[0], node.outputs[1]

    @staticmethod
    def _name() -> str:
        return f"loop_{next(_numbers)}"
