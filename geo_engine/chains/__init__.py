"""Which supply chains (filiere) a firm belongs to, by its ATECO code.

``classification`` wraps the official lists of codes, ``ateco`` reads codes as they are written in
extracts, ``detection`` decides the edition of each, ``membership`` joins them to the chains of
``chains.toml``.
"""
