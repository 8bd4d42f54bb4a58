"""Experiments: trials of changes to the folder, measured by a judge that no trial can change."""

from tools.extension import Extension

EXTENSION = Extension(tools=("tool:ExperimentTool",))
