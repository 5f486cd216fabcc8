"""Field words from what a platform says: one table, and one function, for each platform.

Rules:
1. A field whose purpose the platform does not say is ``text``. What a table does not have is
   ``unknown``: nothing is guessed from names, labels or lengths.
2. What can hide a field (a page whose inside the platform does not show, a window, a group) is
   ``unknown`` unless the element says that it is edited itself. What no text can be typed into is
   ``none``.
3. Where a platform says several things about a field, the strictest word holds (``strictest``).
4. Values are compared as the platform's own standard compares them, so letters of HTML in any case.
"""
