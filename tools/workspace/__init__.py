"""Where commands run and files live: this machine, or a sandbox."""
