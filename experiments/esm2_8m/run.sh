#!/usr/bin/env bash
# Train methods on real ESM-2 8M, once for each partition, JOBS (2) runs at a time, one thread each.
# A second call goes on where the first was stopped: run.sh WEIGHTS METHOD...
# WEIGHTS is the folder that fetch.py has written.
set -euo pipefail
cd "$(dirname "$0")/../.."
weights=$(realpath "$1")
shift
methods=("$@")
((${#methods[@]})) || methods=(accurate keeps-prior drawn-prior)

plain="callbacks.averaging=null scheduler.floor=0.01 data.chimeras=0"
bitfit="peft=bitfit optimizer.lr=0.147 learning_rate.head_factor=0.068"
declare -A settings=(
  [accurate]=""
  [other-order]="data.seed=2"
  [smooth]="loss.smoothing=0.1"
  [smoother]="loss.smoothing=0.2"
  [focal]="loss.focusing=2"
  [no-chimeras]="data.chimeras=0"
  [keeps-prior]="$plain"
  [drawn-prior]="$plain data.keeps_prior=false"
  [more-dropout]="$plain head.dropout=0.3 peft.dropout=0.25"
  [lower-rate]="$plain optimizer.lr=0.002"
  [no-shared-scores]="$plain data.keeps_prior=false head.shares_types=false"
  [frozen]="peft=frozen"
  [adapter]="peft=adapter peft.bottleneck=32 optimizer.lr=0.0147"
  [bitfit]="$bitfit peft.last_k=4"
  [bitfit-all-layers]="$bitfit"
  [prompt-first]="peft=prompt peft.place=first"
  [prompt-last]="peft=prompt peft.place=last"
  [prompt-all]="peft=prompt"
  [prompt-topmost]="peft=prompt peft.place=topmost peft.last_k=3"
  [full]="peft=full optimizer.lr=0.0005 learning_rate.head_factor=20"
)
# Folds 0, 1 and 3 train on the partitions 2, 1 and 0. The other three folds train on the same
# partitions; as nothing is chosen by the validation partition, their models would be the same.
for method in "${methods[@]}"; do
  for fold in 0 1 3; do
    echo "name=esm2_8m/$method-fold$fold data.fold=$fold ${settings[$method]}"
  done
done | OMP_NUM_THREADS=1 xargs -P "${JOBS:-2}" -I {} sh -c \
  "\${PYTHON:-python} train.py experiment=accurate backbone.checkpoint=$weights \
  callbacks.progress_bar=null ckpt_path=last {} || { echo 'failed: {}' >&2; exit 1; }"
