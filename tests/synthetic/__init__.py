"""Tests of the simulated register."""
