#!/usr/bin/env bash
# Students of the accurate model's recipe, once for each partition: run.sh CORPUS RUNS WEIGHTS [STUDENT...]
# CORPUS is what compact_backbone/corpus.py writes, RUNS the folder of esm2_8m/run.sh's accurate runs,
# WEIGHTS what esm2_8m/fetch.py writes. JOBS (2) runs at a time, one thread each; a second call goes on
# where the first was stopped; its corpus and teachers may not be others. TEACHERS="accurate adapter"
# lets both teach, averaged, the runs of either in RUNS.
set -euo pipefail
cd "$(dirname "$0")/../.."
corpus=$1 teachers=$2 weights=$(realpath "$3")
shift 3
students=("$@")
((${#students[@]})) || students=(fast self_taught)
export OMP_NUM_THREADS=1

# What self_taught has instead of the accurate recipe's, but for LoRA's settings.
shorter="data.batch_size=64 scheduler.floor=0.1 trainer.max_epochs=2"
declare -A settings=(
  [fast]="experiment=fast"
  [self_taught]="experiment=self_taught backbone.checkpoint=$weights"
  [bitfit]="experiment=accurate backbone.checkpoint=$weights $shorter \
peft=bitfit peft.last_k=4 optimizer.lr=0.147 learning_rate.head_factor=0.068"
)
kinds=${TEACHERS:-accurate}
told=${TEACHERS:+-by-${TEACHERS// /-}}
taught=runs/distillation/taught$told-fold
mkdir -p runs/distillation
by="$(realpath "$corpus") $(realpath "$teachers")"
[[ -e ${taught}s.by ]] || echo "$by" > "${taught}s.by"
if [[ $(< "${taught}s.by") != "$by" ]]; then
  echo "${taught}s.by: expected the corpus and teachers of the labels there, found $by" >&2
  exit 2
fi
for fold in 0 1 3; do
  # A teacher and its student see the same partition, so that the others test both.
  [[ -e $taught$fold.fasta ]] || "${PYTHON:-python}" experiments/distillation/teach.py "$corpus" \
    --bundle $(printf "$teachers/%s-fold$fold/bundle " $kinds) --precision bf16 -o "$taught$fold.fasta"
done
for student in "${students[@]}"; do
  for fold in 0 1 3; do
    echo "${settings[$student]} name=distillation/$student$told-fold$fold data.fold=$fold \
data.extra_path=$taught$fold.fasta"
  done
done | xargs -P "${JOBS:-2}" -I {} sh -c \
  "\${PYTHON:-python} train.py callbacks.progress_bar=null ckpt_path=last {} || { echo 'failed: {}' >&2; exit 1; }"
