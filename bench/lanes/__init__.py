"""How long people wait while everybody asks at once: a real service, and crowds around it.

``service`` starts it and prepares a company, ``crowd`` asks it from a process of its own, over
``line``; ``figures`` holds what was measured against the bounds; ``__main__`` is the run.
"""
