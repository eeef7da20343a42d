#!/usr/bin/env bash
# Makes the Python environment of the peers: bench/peers/.venv, or the folder given.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
venv=${1:-$here/.venv}
python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --requirement "$here/requirements.txt"
echo "peers are in $venv"
