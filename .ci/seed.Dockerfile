# Lays what this machine has compiled into the cache mount of our Dockerfile's build, so that a check compiles the dependencies once: toolchain,
# profile, C library and the path of the crates' sources are the same there. The context is a tar of this file and of `release`.
ARG RUST_IMAGE
FROM ${RUST_IMAGE}
COPY release /seed/release
RUN --mount=type=cache,id=llm-loadtest-target,target=/src/target,sharing=locked cp -a /seed/release /src/target/
