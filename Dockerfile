# One image for every role: `api` (the default), `connect`, `worker`, `migrate`, …
# PostgreSQL, the Redis-protocol server and S3 come from outside, through AMPYARD_… variables.

FROM python:3.13-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/ampyard
WORKDIR /build
COPY requirements.lock ./
RUN /opt/ampyard/bin/pip install --require-hashes --requirement requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN /opt/ampyard/bin/pip install --no-deps --no-build-isolation --no-index .

FROM python:3.13-slim
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/ampyard ampyard
COPY --from=build /opt/ampyard /opt/ampyard
ENV PATH=/opt/ampyard/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    AMPYARD_HOME=/var/lib/ampyard \
    AMPYARD_HOST=0.0.0.0
USER ampyard
WORKDIR /var/lib/ampyard
VOLUME /var/lib/ampyard
EXPOSE 8700 8701
STOPSIGNAL SIGTERM
ENTRYPOINT ["ampyard"]
CMD ["api"]
