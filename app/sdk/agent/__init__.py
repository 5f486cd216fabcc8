"""What runs on the laptop: the guard, the client, their memory and their clocks."""
