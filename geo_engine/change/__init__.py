"""What moved between two years."""

from geo_engine.change.difference import first_last_change, newcombe_interval, two_proportions_p

__all__ = ["first_last_change", "newcombe_interval", "two_proportions_p"]
