"""What runs on the laptop: the guard, the client, their memory, their keys and their clocks.

It has more than a dozen modules because each is one thing that whoever builds an agent in another
language has to build, too, and reads by itself.
"""
