"""Models as ONNX graphs, which predict without PyTorch."""
