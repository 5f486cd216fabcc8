"""What runs on the laptop: the guard, the client, their memory and their clocks.

It has more than a dozen modules because whoever builds another agent reads them one by one.
"""
