"""See, decide, send: product images become commerce fields, and the whole catalog reaches Coveo."""

__version__ = "0.1.0"
