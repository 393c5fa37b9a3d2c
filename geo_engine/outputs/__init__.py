"""Writers of results: each takes a Publication, never Results, and a path."""
