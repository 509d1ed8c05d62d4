"""From what a user asks for to a finished study with its report: what the command ``run`` and ``studies.run`` share."""
