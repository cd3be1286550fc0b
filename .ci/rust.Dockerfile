# The toolchain of the machine that builds, on Debian: the stand-in for rust:1-bookworm where no image registry is reached.
# The context is a tar of this file and the toolchain's folders.
ARG BASE_IMAGE
FROM ${BASE_IMAGE}
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates gcc libc6-dev \
 && rm -rf /var/lib/apt/lists/*
COPY bin /usr/local/rust/bin
COPY lib /usr/local/rust/lib
# Where this machine has it, too: what was compiled there is taken for compiled only where the sources have the same path.
ARG CARGO_HOME=/usr/local/cargo
ENV PATH=/usr/local/rust/bin:$PATH CARGO_HOME=${CARGO_HOME}
