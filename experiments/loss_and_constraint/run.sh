#!/usr/bin/env bash
# LoRA without the regularisation, and with other constraints of the CRF; further settings are handed on
set -euo pipefail
cd "$(dirname "$0")/../.."
study="${PYTHON:-python} train.py -m experiment=study experiment_name=loss_and_constraint"
study="$study data=signalp6_small30 data.fold=0,3,4 trainer.max_epochs=10 $*"
$study regularisation.weight=0.5,0
$study crf.table=none crf.decoding=free variant=-none
$study crf.constraint=soft crf.table=published crf.decoding=free variant=-soft
${PYTHON:-python} -m peftsp.report runs/loss_and_constraint -o runs/reports/loss_and_constraint
mkdir -p experiments/loss_and_constraint/results
cp runs/reports/loss_and_constraint/{tables/{overall,comparison,mcc2,cost}.md,figures/mcc2.png} experiments/loss_and_constraint/results
