"""The data-quality report: a page and two tables, from the account and summaries of the intake.

``findings`` is what it is made of, ``sections``, ``value_sections`` and ``items`` its parts,
``assembly`` puts them together, ``page`` writes them.
"""
