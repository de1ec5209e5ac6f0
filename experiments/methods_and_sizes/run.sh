#!/usr/bin/env bash
# Nested cross-validation of three PEFT methods; further settings are handed on: run.sh backbone=...
set -euo pipefail
cd "$(dirname "$0")/../.."
study="${PYTHON:-python} train.py -m experiment=study experiment_name=methods_and_sizes"
$study peft=lora,adapter,prompt data.fold="range(6)" "$@"
${PYTHON:-python} -m peftsp.report runs/methods_and_sizes -o experiments/methods_and_sizes/results
