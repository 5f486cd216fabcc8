"""Which keys sign, from when until when, and the signed list by which others believe them."""
