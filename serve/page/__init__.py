"""The page: one photo in, and in words what it probably shows."""
