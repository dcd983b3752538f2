# Casque's image: the program alone, with the system's libpq, which speaks TLS.
FROM rust:1.95.0-bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends libpq-dev cmake && rm -rf /var/lib/apt/lists/*
WORKDIR /casque
COPY Cargo.toml Cargo.lock ./
COPY .cargo .cargo
COPY benches benches
COPY migrations migrations
COPY openapi openapi
COPY src src
COPY tests tests
RUN cargo build --release --locked --no-default-features && strip target/release/casque

FROM debian:12.11-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends libpq5 ca-certificates curl \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin casque \
    && install -d -o casque -g casque -m 0700 /keys /backups /backup-keys
COPY --from=build /casque/target/release/casque /usr/local/bin/casque
USER 10001:10001
EXPOSE 8589 9464
ENTRYPOINT ["casque"]
CMD ["serve"]
