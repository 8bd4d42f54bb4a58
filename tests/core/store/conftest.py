"""One suite for both databases: whatever takes `settings` here runs on SQLite and on Postgres."""

import pytest

from configs.settings import Settings


@pytest.fixture
def settings(settings: Settings, database_url: str) -> Settings:
    settings.database_url = database_url
    return settings
