"""A bundle is told by its settings and weights, a graph by itself."""

from peftsp.model.bundle_files import hash_bundle

# Of FIPS 180-2, and of nothing.
OF_ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
OF_NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_a_bundle_is_told_by_its_two_files(tmp_path):
    (tmp_path / "config.json").write_bytes(b"abc")
    (tmp_path / "weights.safetensors").write_bytes(b"")
    (tmp_path / "README.md").write_text("papers change nothing")
    expected = {"config.json": OF_ABC, "weights.safetensors": OF_NOTHING}
    assert hash_bundle(tmp_path) == expected


def test_a_graph_is_told_by_itself(tmp_path):
    (tmp_path / "any name.onnx").write_bytes(b"abc")
    assert hash_bundle(tmp_path / "any name.onnx") == {"any name.onnx": OF_ABC}
