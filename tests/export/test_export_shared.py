"""A graph that takes its weights from its bundle's files computes what it did with its own."""

import json

import numpy as np
import onnxruntime
import pytest
from onnxscript import ir
from safetensors.numpy import save_file

from peftsp.export.shared import save_beside, share_weights


@pytest.fixture
def bundle(tmp_path):
    """Folder with the files of a LoRA, a backbone and a head in half precision."""
    rng = np.random.default_rng(0)

    def draw(*shape):
        return rng.normal(size=shape).astype(np.float16)

    weights = {"q.lora_A": draw(4, 20), "q.lora_B": draw(20, 4), "head": draw(20, 30)}
    save_file(weights, tmp_path / "weights.safetensors")
    (tmp_path / "backbone").mkdir()
    save_file({"q": draw(20, 20), "k": draw(20, 20)}, tmp_path / "backbone" / "model.safetensors")
    peft = {"method": "lora", "alpha": 8, "rank": 4}
    (tmp_path / "config.json").write_text(json.dumps({"peft": peft}))
    return tmp_path, weights


def graph_of(*arrays):
    """A graph that multiplies its input by one matrix after the other."""
    x = ir.Value(name="x", shape=ir.Shape([1, 20]), type=ir.TensorType(ir.DataType.FLOAT))
    nodes, initializers, last = [], [], x
    for number, array in enumerate(arrays):
        weight = ir.Value(name=f"w{number}", const_value=ir.tensor(array, name=f"w{number}"))
        initializers.append(weight)
        nodes.append(ir.node("MatMul", [last, weight]))
        last = nodes[-1].outputs[0]
    last.name, last.type = "y", ir.TensorType(ir.DataType.FLOAT)
    graph = ir.Graph(
        [x], [last], nodes=nodes, initializers=initializers, opset_imports={"": 20}, name="g"
    )
    return ir.Model(graph, ir_version=10)


@pytest.mark.parametrize("is_turned", [False, True])
def test_shared_weights_compute_the_same(bundle, is_turned):
    folder, weights = bundle
    from safetensors.numpy import load_file

    base = load_file(folder / "backbone" / "model.safetensors")
    both = {name: value.astype(np.float32) for name, value in {**weights, **base}.items()}
    merged = both["q"] + 2.0 * both["q.lora_B"] @ both["q.lora_A"]
    plain = both["k"]
    if is_turned:
        merged, plain = merged.T.copy(), plain.T.copy()
    own = np.linspace(0, 1, 900, dtype=np.float32).reshape(30, 30)
    model = graph_of(merged, plain, both["head"], own)
    assert share_weights(model, folder) == own.nbytes
    path = save_beside(model, folder, "fp32")
    assert path.stat().st_size < own.nbytes + 3000
    x = np.ones((1, 20), np.float32)
    (found,) = onnxruntime.InferenceSession(path).run(None, {"x": x})
    np.testing.assert_allclose(found, x @ merged @ plain @ both["head"] @ own, rtol=1e-4)
