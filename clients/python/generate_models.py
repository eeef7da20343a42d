"""Writes src/umbra_client/models.py of the OpenAPI document; with --check only tells whether it is as it must be."""

import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
DOCUMENT = HERE / ".." / ".." / "packages" / "client" / "openapi.json"
MODELS = HERE / "src" / "umbra_client" / "models.py"
HEADER = '"""Documents of the service, for type checkers: made of its OpenAPI document by generate_models.py."""'
FLAGS = (
    *("--input-file-type", "openapi", "--openapi-scopes", "schemas"),
    *("--output-model-type", "typing.TypedDict", "--no-use-closed-typed-dict", "--target-python-version", "3.10"),
    *("--use-standard-collections", "--use-union-operator", "--collapse-root-models"),
    *("--naming-strategy", "parent-prefixed", "--disable-timestamp", "--formatters", "builtin"),
)


def generate() -> str:
    """The module's text."""
    with tempfile.TemporaryDirectory() as folder:
        output = pathlib.Path(folder) / "models.py"
        program = pathlib.Path(sys.executable).parent / "datamodel-codegen"
        files = ("--input", DOCUMENT.resolve(), "--output", output, "--custom-file-header", HEADER)
        subprocess.run([program, *files, *FLAGS], check=True, stderr=subprocess.DEVNULL)
        return output.read_text(encoding="utf-8")


if __name__ == "__main__":
    text = generate()
    if "--check" not in sys.argv:
        MODELS.write_text(text, encoding="utf-8")
    elif MODELS.read_text(encoding="utf-8") != text:
        sys.exit("models.py does not match the document: run clients/python/generate_models.py")
