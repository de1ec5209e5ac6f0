#!/usr/bin/env bash
# A study on the compact backbone, with its report: run.sh STUDY [further settings]
set -euo pipefail
cd "$(dirname "$0")/../.."
name=$1
shift
study="${PYTHON:-python} train.py -m experiment=study experiment_name=$name data.fold=0,3,4"
few="$study data=signalp6_small30 trainer.max_epochs=10"
case $name in
  methods) $study peft=lora,adapter,prompt "$@" ;;
  few_proteins)
    $study peft=lora,adapter,prompt data=signalp6_small10,signalp6_small20,signalp6_small30 \
      trainer.max_epochs=10 "$@"
    ;;
  lora_settings)
    $few peft.rank=2,8,32 "$@"
    $few peft.alpha=32 variant=-peft.alpha_32 "$@"
    $few peft.last_k=1,3 "$@"
    ;;
  frozen_head) $few head.trainable=true,false "$@" ;;
  loss_and_constraint)
    $few regularisation.weight=0.5,0 "$@"
    $few crf.table=none crf.decoding=free variant=-none "$@"
    $few crf.constraint=soft crf.table=published crf.decoding=free variant=-soft "$@"
    ;;
  whole_backbone)
    study="${PYTHON:-python} train.py -m experiment=compact experiment_name=$name data.fold=0,1,3 trainer.max_epochs=3"
    study="$study trainer.limit_val_batches=0 head.context_window=0 head.kingdom_embedding=0"
    study="$study learning_rate.head_factor=5 augmentation.hidden_residues=0.08"
    $study peft=full_dropout,adapter,prompt,frozen "$@"
    $study peft=lora peft.dropout=0.15 "$@"
    $study backbone.checkpoint=random variant=-scratch "$@"
    ;;
  *) echo "run.sh: $name is none of its studies, which its README lists" >&2 && exit 2 ;;
esac
if [[ $name == few_proteins ]]; then
  for size in 10 20 30; do
    ${PYTHON:-python} -m peftsp.report runs/$name/*small$size-* -o runs/reports/${name}_$size
  done
else
  ${PYTHON:-python} -m peftsp.report "runs/$name" -o "runs/reports/$name"
fi
