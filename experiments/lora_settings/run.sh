#!/usr/bin/env bash
# LoRA of different rank, alpha and number of layers, one changed at a time; further settings are handed on
set -euo pipefail
cd "$(dirname "$0")/../.."
study="${PYTHON:-python} train.py -m experiment=study experiment_name=lora_settings"
study="$study data=signalp6_small30 data.fold=0,3,4 trainer.max_epochs=10 $*"
$study peft.rank=2,8,32
$study peft.alpha=32 variant=-peft.alpha_32
$study peft.last_k=1,3
${PYTHON:-python} -m peftsp.report runs/lora_settings -o runs/reports/lora_settings
mkdir -p experiments/lora_settings/results
cp runs/reports/lora_settings/{tables/{overall,comparison,mcc2,cost}.md,figures/mcc2.png} experiments/lora_settings/results
