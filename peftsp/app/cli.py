"""The ``peftsp-app`` command: signal peptides in a browser's tab, offline."""

from __future__ import annotations

import tempfile
from argparse import Namespace
from collections.abc import Collection, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from peftsp.app.page import build_page
from peftsp.command_line import add_allow_code, at_least, lacking, new_parser, parse, run_command
from peftsp.data.fasta import EXAMPLES
from peftsp.durable import whole_file
from peftsp.errors import ConfigError, tell
from peftsp.inference.compute.options import GRAPH_SUFFIX
from peftsp.model.bundle_files import GRAPH_FILES
from peftsp.model.shipped import SHIPPED, find_bundle

_HOST = "127.0.0.1"
_EPILOG = """\
examples:
  %(prog)s                              opens the fast model at http://127.0.0.1:8000/
  %(prog)s accurate -o accurate.html    one file, to open, to mail or to put on a web server
  %(prog)s models/fold0 --port 8080     a model of your own

The page holds the model and all that runs it. Sequences stay in the browser.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: Those of the command line by default.

    Returns:
        Exit status: 0 done, 2 an error that the user can mend, 130 interrupted.
    """
    parser = new_parser("peftsp-app", "Predict in a web page, without a server.", _EPILOG)
    add = parser.add_argument
    add(
        "bundles",
        nargs="*",
        default=["fast"],
        metavar="BUNDLE",
        help=f"folder of a trained model, one of {', '.join(SHIPPED)}, or a file of "
        "peftsp-export; several folders are averaged (default: fast)",
    )
    add("--output", "-o", type=Path, metavar="FILE", help="a new .html file; else it is served")
    add(
        "--precision",
        choices=list(GRAPH_FILES),
        help="arithmetic of the backbone: int8 is faster and less exact (default: fp32)",
    )
    add("--port", type=at_least(1), default=8000, help=f"of {_HOST} (default: 8000)")
    add_allow_code(parser)
    options = parse(parser, arguments)
    return run_command(lambda: _run(options), "the page is no longer served")


def _run(options: Namespace) -> str:
    output: Path | None = options.output
    if output is not None and output.suffix != ".html":
        raise ConfigError(f"{output}: expected a name that ends in .html")
    if output is not None and output.exists():
        raise ConfigError(f"{output}: expected no such file yet, found one")
    examples = EXAMPLES.read_text(encoding="utf-8")
    name = ", ".join(Path(bundle).stem for bundle in options.bundles)
    graph, weights = read_graph(options.bundles, options.precision, options.allow_code)
    page = build_page(graph, name, examples, weights).encode()
    if output is None:
        _serve(page, options.port)
        return ""
    with whole_file(output) as partial:
        partial.write_bytes(page)
    return f"{output}: {len(page) / 1e6:.1f} MB; open it in a browser"


def _given_graph(path: Path, precision: str | None) -> bytes:
    from peftsp.inference.compute.onnx_model import OnnxModel

    made = OnnxModel(path, threads=1).about["precision"]
    if precision not in (None, made):
        raise ConfigError(f"--precision {precision}: expected none or that of {path}, {made}")
    beside = path.with_name(f"{path.name}.data")
    if beside.exists():
        raise ConfigError(f"{path}: expected a graph with its weights in it, found {beside.name}")
    return path.read_bytes()


def read_graph(
    bundles: Sequence[str], precision: str | None, allow_code: Collection[str] = ()
) -> tuple[bytes, dict[str, bytes]]:
    """A graph, and the files that it takes its weights from, if those are not in it.

    Args:
        bundles: Those of the command line.
        precision: Of the graph; None for that of a file, else ``fp32``.
        allow_code: Packages whose code may be imported for a bundle's method.

    Raises:
        ConfigError: A graph is asked for together with others, in another precision than its own,
            or without the weights that it takes; a package that exports is missing.
        BundleError: The graph beside a bundle is that of another.
    """
    if Path(bundles[0]).suffix == GRAPH_SUFFIX:
        if len(bundles) > 1:
            raise ConfigError(f"{bundles[0]}: expected a graph alone, found {len(bundles)}")
        return _given_graph(Path(bundles[0]), precision), {}
    precision = precision or "fp32"
    folders = [find_bundle(name) for name in bundles]
    graph = folders[0] / GRAPH_FILES[precision]
    if len(folders) == 1 and graph.is_file():
        from peftsp.inference.compute.onnx_model import open_beside

        open_beside(graph, threads=1)
        files = [path for path in folders[0].rglob("*.safetensors") if path.is_file()]
        weights = {path.relative_to(folders[0]).as_posix(): path.read_bytes() for path in files}
        return graph.read_bytes(), weights
    try:
        from peftsp.export.model import export_model, save_model
    except ImportError as error:
        raise lacking("peftsp-app", error, "export") from error
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        save_model(export_model(folders, precision, allow_code=allow_code), path)
        return path.read_bytes(), {}


def _serve(page: bytes, port: int) -> None:
    """Give out the page to this machine's browsers until the user interrupts it."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            is_page = self.path in ("/", "/index.html")
            content = page if is_page else b"expected /\n"
            self.send_response(200 if is_page else 404)
            self.send_header(
                "Content-Type", f"text/{'html' if is_page else 'plain'}; charset=utf-8"
            )
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing of each request."""

    try:
        server = ThreadingHTTPServer((_HOST, port), Handler)
    except (OSError, OverflowError) as error:
        raise ConfigError(f"--port {port}: expected a free port, found: {error}") from error
    with server:
        tell(f"http://{_HOST}:{port}/ shows the page; Ctrl-C ends it")
        server.serve_forever()
