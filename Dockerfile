# The image of the action and of the command line: the binary on Debian's slim base, and nothing else.
#
# No `# syntax=` line and no heredocs, so that engines from 20.10 on build it without fetching a frontend.
# Both bases can be replaced: builds without an image registry use their own (.ci/engine).
# The list of what is inside (SBOM) names the crates of Cargo.lock, too.
ARG BUILDKIT_SBOM_SCAN_CONTEXT=true
ARG RUST_IMAGE=rust:1.95-bookworm
ARG BASE_IMAGE=debian:bookworm-slim

FROM ${RUST_IMAGE} AS build
# Checks build without link-time optimisation, in half the time.
ARG LTO=thin
ENV CARGO_PROFILE_RELEASE_LTO=${LTO}
WORKDIR /src
COPY . .
# Dependencies stay compiled in the cache mounts when our sources change: a layer of their own would need a second manifest or a planner
# in the image, and goes stale with every edit of Cargo.toml. `ca` is a bundle for machines behind a proxy; without it the base's own holds.
RUN --mount=type=cache,id=llm-loadtest-registry,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,id=llm-loadtest-target,target=/src/target,sharing=locked \
    --mount=type=secret,id=ca,target=/run/secrets/ca.crt \
    if [ -s /run/secrets/ca.crt ]; then export CARGO_HTTP_CAINFO=/run/secrets/ca.crt; fi; \
    cargo build --release --locked && cp target/release/llm-loadtest /llm-loadtest

# Authorities for TLS are data: they come from the build stage, so that the final one runs no package manager.
FROM ${BASE_IMAGE}
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /llm-loadtest /usr/local/bin/llm-loadtest
# With NVIDIA's runtime: every GPU, and of the driver only the library that reads it. Elsewhere these are plain variables.
ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=utility
ARG VERSION=dev
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
LABEL org.opencontainers.image.title=llm-loadtest \
      org.opencontainers.image.description="Load-test an LLM server and gate a change against a stored baseline" \
      org.opencontainers.image.source=https://github.com/org/llm-loadtest \
      org.opencontainers.image.licenses=MIT \
      org.opencontainers.image.version=${VERSION} \
      org.opencontainers.image.revision=${REVISION} \
      org.opencontainers.image.created=${CREATED}
# Container actions run as root in a working directory of the runner's, so there is no USER and no WORKDIR; a shell as entrypoint
# would drop inputs whose names have dashes.
ENTRYPOINT ["/usr/local/bin/llm-loadtest"]
