"""The tour: the whole story over real HTTP, told as four people and machines live it."""
