"""Tries: what it takes to add a signal, a knob, a purpose, a region, a page, a kind of entry.

Each try is a set of edits to a copy of the checkout. ``make tries`` applies it and runs the tests
that guard the term, and what release 0.1 signed is verified again; then each edit is left out in
turn, and the tests have to name the file that was forgotten.
"""
