"""The networks whose blocks a strategy opens and closes: their parts, their forward pass, and its cost."""
