"""What is wrong with a settings file, in one line. A SettingsError of core/errors.py is made
of it by the command line: this package imports nothing of ours."""


class SettingsProblem(Exception):
    """A settings file or variable is wrong. The text names it with its key."""
