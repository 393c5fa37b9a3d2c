"""A simulated register of firms with planted digital hotspots: "DATI SIMULATI".

``truth`` says where hotspots are planted and scores a detection, ``register`` draws the firms,
``mess`` damages the rows as real extracts are damaged. Nothing here describes a real firm.
"""
