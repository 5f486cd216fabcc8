"""Events of the user interface: what a recorder says about one, and the verdict on it.

Pure, and the only place that judges an event: the guard on the laptop and the server's tester ask
here. Whatever a recorder does not know, it says; unknown is as strict as whatever it could be.
"""
