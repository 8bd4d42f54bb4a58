"""The secrets that may leave this machine for jobs and Spaces: by name, as `job_secrets` allows."""

from configs.settings import Settings
from core.credentials import hub_token, variable
from core.errors import ToolError


def secrets_of(names: list[str], settings: Settings) -> dict[str, str]:
    """The values of the secrets that a job or a Space may have, by name. Raises ToolError."""
    found = {}
    for name in names:
        if name not in settings.job_secrets:
            raise ToolError(
                f"secrets: {name} is not among those that jobs may have "
                f"({', '.join(settings.job_secrets)}); the user can add it to job_secrets"
            )
        value = (hub_token() if name == "HF_TOKEN" else "") or variable(name)
        if not value:
            raise ToolError(f"secrets: {name} is not set on this machine")
        found[name] = value
    return found
