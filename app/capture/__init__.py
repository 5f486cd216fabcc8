"""The central question, once: may this person be captured now, by what, and why not."""
