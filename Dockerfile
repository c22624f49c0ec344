# The exporter, as small as its dependencies let it be. Builds with docker and with podman
# (podman build --format docker, or the health check is left out).
#
#   docker build --build-arg REVISION="$(git rev-parse HEAD)" -t carbonfinops-exporter .
ARG PYTHON_IMAGE=docker.io/library/python:3.11.15-slim-bookworm@sha256:b18992999dbe963a45a8a4da40ac2b1975be1a776d939d098c647482bcad5cba

FROM ${PYTHON_IMAGE} AS build
# Everything comes from the lock, checked by hash, into an environment without pip.
COPY requirements.lock /build/
RUN python3 -m venv --without-pip /opt/carbonfinops \
    && python3 -m pip --python /opt/carbonfinops/bin/python install --no-cache-dir --no-compile \
        --disable-pip-version-check --root-user-action ignore --require-hashes \
        -r /build/requirements.lock
COPY exporter /build/exporter
ARG REVISION=""
# Compiled here: the file system is read-only where it runs. Unchecked, so that no start looks at
# the time stamps of the sources.
RUN set -eu; \
    site=$(/opt/carbonfinops/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))'); \
    cp -r /build/exporter "$site/"; \
    printf '%s' "$REVISION" >"$site/exporter/REVISION"; \
    printf '#!/opt/carbonfinops/bin/python\nimport sys\nfrom exporter.__main__ import main\nsys.exit(main())\n' \
        >/opt/carbonfinops/bin/carbonfinops; \
    chmod 755 /opt/carbonfinops/bin/carbonfinops; \
    /opt/carbonfinops/bin/python -m compileall -q --invalidation-mode unchecked-hash "$site"; \
    mkdir -p /state && chown 65532:65532 /state

FROM ${PYTHON_IMAGE}
# What the base's own Python has installed are installers: of use to nobody here but an intruder.
RUN find /usr -depth \( -path '*-packages/*' -o -path '*/ensurepip*' -o -path '*/bin/pip*' \
        -o -path '*/bin/wheel*' \) -delete
ARG REVISION=""
ARG VERSION="0.1.0"
LABEL org.opencontainers.image.title="carbonfinops-exporter" \
    org.opencontainers.image.description="Cost and carbon of an AWS EC2 fleet, per instance, live, for Prometheus" \
    org.opencontainers.image.url="https://github.com/carbonfinops/carbonfinops-exporter" \
    org.opencontainers.image.source="https://github.com/carbonfinops/carbonfinops-exporter" \
    org.opencontainers.image.documentation="https://github.com/carbonfinops/carbonfinops-exporter/tree/main/docs" \
    org.opencontainers.image.licenses="Apache-2.0" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${REVISION}"
COPY --from=build /opt/carbonfinops /opt/carbonfinops
COPY LICENSE /opt/carbonfinops/LICENSE
COPY --from=build --chown=65532:65532 /state /var/lib/carbonfinops
ENV PATH=/opt/carbonfinops/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    CARBONFINOPS_WEB__LISTEN_ADDRESS=0.0.0.0:10105 \
    CARBONFINOPS_STATE_DIR=/var/lib/carbonfinops
USER 65532:65532
EXPOSE 10105
VOLUME /var/lib/carbonfinops
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s --retries=3 CMD ["carbonfinops", "health"]
ENTRYPOINT ["carbonfinops"]
CMD ["serve"]
