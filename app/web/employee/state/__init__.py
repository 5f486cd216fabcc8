"""What is so now of one person: what laptops can hold, in a sentence, and what more is offered."""
