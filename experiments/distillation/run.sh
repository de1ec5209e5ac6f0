#!/usr/bin/env bash
# Students of the accurate model's recipe, once for each partition: run.sh CORPUS RUNS
# CORPUS is what compact_backbone/corpus.py writes, RUNS the folder of esm2_8m/run.sh's accurate runs.
# A second call goes on where the first was stopped.
set -euo pipefail
cd "$(dirname "$0")/../.."
corpus=$1 teachers=$2
export OMP_NUM_THREADS=1

for fold in 0 1 3; do
  taught=runs/distillation/taught-fold$fold.fasta
  mkdir -p runs/distillation
  # A teacher and its student see the same partition, so that the others test both.
  [[ -e $taught ]] || "${PYTHON:-python}" experiments/distillation/teach.py "$corpus" \
    --bundle "$teachers/accurate-fold$fold/bundle" --precision bf16 -o "$taught"
  "${PYTHON:-python}" train.py experiment=fast name=distillation/fast-fold$fold data.fold=$fold \
    data.extra_path=$taught peft.dropout=0.05 ckpt_path=last
done
