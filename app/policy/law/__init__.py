"""Floors and company policies as documents: layers, strict reading of files."""
