"""The parts of ``benchmarks/stream.py``: what is run, against what, and what is made of the figures."""
