#!/usr/bin/env bash
# Cross-validation of three PEFT methods; further settings are handed on: run.sh data.fold='range(6)'
set -euo pipefail
cd "$(dirname "$0")/../.."
study="${PYTHON:-python} train.py -m experiment=study experiment_name=methods_and_sizes"
$study peft=lora,adapter,prompt data.fold=0,3,4 "$@"
${PYTHON:-python} -m peftsp.report runs/methods_and_sizes -o runs/reports/methods_and_sizes
results=experiments/methods_and_sizes/results
mkdir -p $results/figures $results/tables
cp runs/reports/methods_and_sizes/report.html $results
cp runs/reports/methods_and_sizes/figures/*.png $results/figures
cp runs/reports/methods_and_sizes/tables/*.{md,csv} $results/tables
