"""A publication's numbers beside ours, for studies that repeat its experiments."""
