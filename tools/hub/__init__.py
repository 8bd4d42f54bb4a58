"""The Hugging Face Hub: what is on it, and jobs on its hardware."""

from tools.extension import Extension, Jobs


def _jobs() -> Jobs:
    from tools.hub.jobs import notices

    return notices


EXTENSION = Extension(
    tools=(
        "api:HubApi",
        "datasets.tool:HfDataset",
        "docs:Docs",
        "endpoints.tool:HfEndpoint",
        "evaluate.tool:HfEval",
        "fit.tool:HfFit",
        "jobs.tool:HfJobs",
        "papers.tool:Papers",
        "repo.tool:HubRepo",
        "search:HubSearch",
    ),
    jobs=_jobs,
)
