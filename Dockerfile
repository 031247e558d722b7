# treemem as a service, for whoever has a key: docker build -t treemem . ; see docs/howto/service.md.
FROM python:3.13-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY treemem treemem
COPY cypher cypher
RUN python -m venv /opt/treemem \
 && /opt/treemem/bin/pip install --no-cache-dir ".[service,fast,openai,anthropic]"

FROM python:3.13-slim
RUN useradd --uid 10001 --create-home --home-dir /data treemem
COPY --from=build /opt/treemem /opt/treemem
ENV PATH=/opt/treemem/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    TREEMEM_STORE=/data/memory.db \
    TREEMEM_SERVICE_KEYS=/data/keys.json
USER 10001
WORKDIR /data
VOLUME /data
EXPOSE 8790
HEALTHCHECK --interval=10s --timeout=10s --start-period=30s --retries=3 \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8790/ready', timeout=5)"]
ENTRYPOINT ["treemem"]
# The container's port is published, or not, by whoever runs it; TLS is for the proxy in front of it.
CMD ["serve", "--host", "0.0.0.0", "--behind-proxy"]
