"""The matrix: what servers send × every route, and what comes of it (docs/guide/model-routes.md).

formats.py renders an answer in each format, rows.py says what is tried, routes.py over which routes
and where one of them differs, outcome.py what came of it.
"""
