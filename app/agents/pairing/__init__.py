"""Who a device is: pairing and tokens."""
