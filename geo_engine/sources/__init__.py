"""The only code that reads inputs and the network."""
