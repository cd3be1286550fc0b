#!/usr/bin/env bash
# The step of docker/action.yml: the action's image as the runner's user, on the host's network, with its GPUs.
# Paths are the same inside and outside, so that nothing needs translation. Values travel in arrays and variables, never in code.
set -euo pipefail

options=(
  --rm
  --init
  --network host
  # The machine of the runner is this one: its gateway would be somebody else.
  --add-host host.docker.internal:127.0.0.1
  --user "$(id -u):$(id -g)"
  --volume "$GITHUB_WORKSPACE:$GITHUB_WORKSPACE"
  --volume "$RUNNER_TEMP:$RUNNER_TEMP"
  --workdir "$GITHUB_WORKSPACE"
)

# The engine, for servers in containers; its socket belongs to a group.
socket=${DOCKER_HOST:-unix:///var/run/docker.sock}
socket=${socket#unix://}
if [ -S "$socket" ]; then
  options+=(--volume "$socket:/var/run/docker.sock" --group-add "$(stat -L -c %g "$socket")")
fi

# The environment of the step, but for what is the host's own. Names may have dashes, which bash's variables may not.
while IFS= read -r -d '' entry; do
  name=${entry%%=*}
  case $name in
    PATH | HOME | USER | LOGNAME | SHELL | SHLVL | PWD | OLDPWD | HOSTNAME | TMPDIR | _) ;;
    IMAGE | DOCKER_* | LD_* | BASH_FUNC_*) ;;
    *) options+=(--env "$name") ;;
  esac
done < <(env -0)

if [ -n "${DOCKER_ARGS:-}" ]; then
  # xargs knows a shell's quotes and expands nothing.
  while IFS= read -r -d '' word; do options+=("$word"); done < <(xargs printf '%s\0' <<<"$DOCKER_ARGS")
elif command -v nvidia-smi >/dev/null || docker info --format '{{json .Runtimes}}' | grep -q '"nvidia"'; then
  options+=(--gpus all)
fi

exec docker run "${options[@]}" "$IMAGE" action
