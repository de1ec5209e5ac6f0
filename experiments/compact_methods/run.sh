#!/usr/bin/env bash
# Train every method on the compact backbone, once for each partition, JOBS (2) runs at a time.
# A second call goes on where the first was stopped: run.sh EPOCHS METHOD...
set -euo pipefail
cd "$(dirname "$0")/../.."
epochs=${1:-3}
shift || true
methods=("$@")
((${#methods[@]})) || methods=(full scratch lora adapter prompt frozen)

# The PEFT methods are compared under one linear layer, as in the published work.
plain="head.context_window=0 head.kingdom_embedding=0 learning_rate.head_factor=5 augmentation.hidden_residues=0.08"
declare -A settings=(
  [context]=""
  [full]="$plain"
  [scratch]="$plain backbone.checkpoint=random"
  [lora]="$plain peft=lora peft.dropout=0.15"
  [adapter]="$plain peft=adapter"
  [prompt]="$plain peft=prompt"
  [frozen]="$plain peft=frozen"
)
# Folds 0, 1 and 3 train on the partitions 2, 1 and 0. The other three folds train on the same
# partitions; as nothing is chosen by the validation partition, their models would be the same.
for method in "${methods[@]}"; do
  for fold in 0 1 3; do
    name=compact_methods/$method-epochs$epochs-fold$fold
    echo "name=$name data.fold=$fold trainer.max_epochs=$epochs ${settings[$method]}"
  done
done | OMP_NUM_THREADS=1 xargs -P "${JOBS:-2}" -I {} sh -c \
  '${PYTHON:-python} train.py experiment=compact callbacks.progress_bar=null \
  trainer.limit_val_batches=0 ckpt_path=last {} || echo "failed: {}"'
