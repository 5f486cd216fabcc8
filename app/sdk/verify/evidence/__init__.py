"""The parts of an export, read strictly."""
