"""Other formats of a finished run: they are made of its files, and so hold nothing more."""
