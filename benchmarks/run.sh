#!/usr/bin/env bash
# The tables in results/, on an idle machine; further settings are handed on: run.sh --threads 1
set -euo pipefail
cd "$(dirname "$0")/.."
benchmark="${PYTHON:-python} -m benchmarks"
results=benchmarks/results
main=reference,hugging_face,peftsp,peftsp-checkpointing,peftsp-prefix,peftsp-bf16,peftsp-bf16-prefix,peftsp-int8
$benchmark --mode train --sizes 8m --rounds 15 -o $results/train_8m "$@"
$benchmark --mode predict --sizes 8m --rounds 15 -o $results/predict_8m "$@"
$benchmark --mode train --sizes 35m --methods lora,lora_last2,frozen --rounds 9 --contenders $main -o $results/train_35m "$@"
$benchmark --mode train --sizes 35m --methods frozen --rounds 15 --contenders $main -o $results/train_35m_frozen "$@"
$benchmark --mode predict --sizes 35m --rounds 9 --contenders $main -o $results/predict_35m "$@"
$benchmark --mode predict --sizes 150m --rounds 9 --contenders $main -o $results/predict_150m "$@"
$benchmark --mode train --sizes 150m --rounds 5 --contenders $main -o $results/train_150m "$@"
$benchmark --mode end_to_end --sizes 8m,150m --proteins 1000 --rounds 3 -o $results/end_to_end "$@"
