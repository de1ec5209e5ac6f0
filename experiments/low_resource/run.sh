#!/usr/bin/env bash
# Three PEFT methods on three sizes of training set; further settings are handed on
set -euo pipefail
cd "$(dirname "$0")/../.."
study="${PYTHON:-python} train.py -m experiment=study experiment_name=low_resource"
$study peft=lora,adapter,prompt data=signalp6_small10,signalp6_small20,signalp6_small30 \
  data.fold=0,3,4 trainer.max_epochs=10 "$@"
${PYTHON:-python} -m peftsp.report runs/low_resource -o experiments/low_resource/results
