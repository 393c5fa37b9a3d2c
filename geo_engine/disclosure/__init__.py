"""Results -> Publication: what may be shown to whom."""
