"""Why something that was printed could not be written; apart, since it takes no time to load."""

unwritten: list[OSError] = []
