# Two stages: the first makes the wheel, the second holds the locked libraries and that wheel, nothing of the checkout.
#   docker build -t leadsvc .        then see compose.yaml
FROM python:3.11-slim AS wheel
WORKDIR /src
COPY requirements-build.lock ./
RUN python -m pip install --no-cache-dir --require-hashes -r requirements-build.lock
# The three folders are linked into leadsvc/, so they must come along.
COPY pyproject.toml README.md LICENSE ./
COPY leadsvc leadsvc
COPY parsers parsers
COPY workers workers
COPY mappings mappings
RUN python -m hatchling build -t wheel -d /dist

FROM python:3.11-slim
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 LEADSVC_HOST=0.0.0.0 LEADSVC_PORT=8080 LEADSVC_VAR=/var/lib/leadsvc
RUN useradd --system --uid 10001 --home-dir /var/lib/leadsvc --create-home leadsvc
COPY requirements.lock /tmp/
RUN python -m pip install --no-cache-dir --require-hashes -r /tmp/requirements.lock && rm /tmp/requirements.lock
COPY --from=wheel /dist /tmp/dist
RUN python -m pip install --no-cache-dir --no-deps --no-index /tmp/dist/*.whl && rm -r /tmp/dist
USER leadsvc
WORKDIR /var/lib/leadsvc
VOLUME /var/lib/leadsvc
EXPOSE 8080
# For the API; a worker has nothing to answer with and switches this off (compose.yaml).
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f\"http://127.0.0.1:{os.environ['LEADSVC_PORT']}/healthz\", timeout=2)"]
ENTRYPOINT ["leadsvc"]
CMD ["serve"]
