#!/usr/bin/env bash
# Starts all shards together, waits for them, merges their results and prints the merged one.
set -euo pipefail
cd "$(dirname "$0")"
way=${1:-volume}      # or object-store
lead=${LEAD:-120}     # seconds until the load starts: pods must be scheduled and have their image by then

# Waits until a job is complete; shows its last words when it failed.
finish() {
  until kubectl wait --for=condition=complete --timeout=5s "job/$1" >/dev/null 2>&1; do
    if kubectl wait --for=condition=failed --timeout=0 "job/$1" >/dev/null 2>&1; then
      kubectl logs --prefix --all-containers --tail=20 --selector "job-name=$1" >&2
      exit 1
    fi
  done
}

kubectl delete job loadtest-shards loadtest-merge --ignore-not-found
start=$(($(date +%s) + lead))
kubectl create configmap loadtest-start --from-literal=at="$start" --dry-run=client --output=yaml | kubectl apply -f -
if [ "$way" = volume ]; then
  kubectl apply -f volume/results.yaml
fi
kubectl apply -f "$way/shards.yaml"
finish loadtest-shards
kubectl apply -f "$way/merge.yaml"
finish loadtest-merge
kubectl logs job/loadtest-merge --container=merge
