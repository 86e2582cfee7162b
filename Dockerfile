# One image for all programs: `server`, `client` and `players-agent`. They are linked statically, so
# the image contains nothing else: no shell, no library, nothing to keep up to date.

# The image to build in. It needs Rust, a C compiler, and glibc 2.34 or later, with which a static
# program resolves host names without loading a library.
ARG BUILD_BASE
# The base of the final image. Bots that need an interpreter need a base that contains it.
ARG RUNTIME_BASE
# The defaults are in the FROM lines, because docker-compose passes an unset variable as an empty one.

FROM ${BUILD_BASE:-docker.io/library/rust:1.95.0-slim-bookworm} AS chef
WORKDIR /tribune
# It runs only twice, so a debug build takes less time in total.
RUN cargo install cargo-chef --version 0.1.78 --locked --debug --root /usr/local

# The recipe is the part of the sources that determines the dependencies. The layer that builds them is
# cached until the recipe changes.
FROM chef AS plan
COPY . .
RUN cargo chef prepare --recipe-path recipe.json

FROM chef AS build
# With an explicit target, cargo does not apply the flags to build scripts and procedural macros, which
# cannot be static.
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
# A number, because the image has no user database.
USER 65532:65532
STOPSIGNAL SIGTERM
# The base may set an entrypoint.
ENTRYPOINT []
CMD ["server", "--listen", "0.0.0.0:7777"]
