# One image for all programs: `server`, `client` and `players-agent`. They are linked statically, so
# the image holds them and nothing else: no shell, no library, nothing to keep up to date.

# Where they are built: Rust, a C compiler, and a glibc of at least 2.34, with which a static program
# resolves names without loading anything.
ARG BUILD_BASE
# What they are put on. Bots that need an interpreter want a base with it.
ARG RUNTIME_BASE
# The defaults stand where they are used, as docker-compose passes on a variable that is not set as one
# that is empty.

FROM ${BUILD_BASE:-docker.io/library/rust:1.95.0-slim-bookworm} AS chef
WORKDIR /tribune
# It is used twice, so it is to be there soon rather than fast.
RUN cargo install cargo-chef --version 0.1.78 --locked --debug --root /usr/local

# The recipe is what of the sources decides about the dependencies. As long as it is the same, so is
# the layer in which they are built.
FROM chef AS plan
COPY . .
RUN cargo chef prepare --recipe-path recipe.json

FROM chef AS build
# With a target that is named, the flags leave build scripts and procedural macros alone, which cannot
# be static.
ENV RUSTFLAGS="-C target-feature=+crt-static" \
    CARGO_PROFILE_RELEASE_STRIP=symbols \
    PROGRAMS="--package tribune-server --package tribune-client --package players-agent --bins"
COPY --from=plan /tribune/recipe.json .
RUN cargo chef cook --release --locked --target "$(rustc --print host-tuple)" ${PROGRAMS}
COPY . .
RUN tuple="$(rustc --print host-tuple)" && \
    cargo build --release --locked --target "$tuple" ${PROGRAMS} && \
    mkdir /programs && \
    cd "target/$tuple/release" && cp server client players-agent /programs

FROM ${RUNTIME_BASE:-scratch}
COPY --from=build /programs /usr/local/bin
# A number, as there is nothing that knows names.
USER 65532:65532
STOPSIGNAL SIGTERM
# The base may have one.
ENTRYPOINT []
CMD ["server", "--listen", "0.0.0.0:7777"]
