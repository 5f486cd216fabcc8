"""Trying a place: a form that describes an event, and what a guard would say to it.

For legal, who tries it in a region, and for everybody, who tries it in their own situation. Nothing
that is tried is kept, logged, or put into an address.
"""
