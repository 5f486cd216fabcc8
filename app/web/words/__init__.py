"""Words that several readers share.

It has more than a dozen modules because each thing that is told has one of its own.
"""
