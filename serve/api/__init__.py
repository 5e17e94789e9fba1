"""The API for programs, below /v1: adverts and photos in, verdicts and findings out, as JSON."""
