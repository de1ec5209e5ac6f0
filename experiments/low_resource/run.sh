#!/usr/bin/env bash
# Three PEFT methods on three sizes of training set; further settings are handed on
set -euo pipefail
cd "$(dirname "$0")/../.."
study="${PYTHON:-python} train.py -m experiment=study experiment_name=low_resource"
$study peft=lora,adapter,prompt data=signalp6_small10,signalp6_small20,signalp6_small30 \
  data.fold=0,3,4 trainer.max_epochs=10 "$@"
results=experiments/low_resource/results
reports=()
for set in 10:148 20:262 30:362; do
  report=runs/reports/low_resource_${set%:*}
  ${PYTHON:-python} -m peftsp.report runs/low_resource/*small${set%:*}-* -o "$report"
  mkdir -p "$results/small${set%:*}"
  cp "$report"/tables/{overall,comparison,mcc2,cost}.md "$results/small${set%:*}"
  reports+=("${set#*:}=$report")
done
${PYTHON:-python} experiments/low_resource/learning_curve.py "${reports[@]}" -o $results/learning_curve.png
