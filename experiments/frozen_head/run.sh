#!/usr/bin/env bash
# LoRA with a trained head and with one that stays as drawn; further settings are handed on
set -euo pipefail
cd "$(dirname "$0")/../.."
study="${PYTHON:-python} train.py -m experiment=study experiment_name=frozen_head"
$study data=signalp6_small30 data.fold=0,3,4 trainer.max_epochs=10 head.trainable=true,false "$@"
${PYTHON:-python} -m peftsp.report runs/frozen_head -o runs/reports/frozen_head
mkdir -p experiments/frozen_head/results
cp runs/reports/frozen_head/{tables/{overall,comparison,mcc2,cost}.md,figures/mcc2.png} experiments/frozen_head/results
