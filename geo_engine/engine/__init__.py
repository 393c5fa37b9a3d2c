"""Spreads a pure function over partitions; knows no stage."""
