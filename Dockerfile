# The Space: docs/guide/space.md. Without SPACE_ID nothing in it is reachable: use `ml-agent web` there.
FROM python:3.12-slim

RUN useradd --create-home --uid 1000 user
WORKDIR /home/user/app
COPY --chown=user . .
# uv keeps to the versions that work together (pyproject.toml, constraint-dependencies).
RUN pip install --no-cache-dir uv && uv pip install --system --no-cache .

USER user
ENV HOME=/home/user PYTHONUNBUFFERED=1
WORKDIR /home/user
EXPOSE 7860
HEALTHCHECK --start-period=60s \
  CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:7860/health', timeout=5)"]
CMD ["ml-agent", "web", "--port", "7860"]
