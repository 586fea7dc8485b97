"""A region whose services are reached through its node: the embedded profile's Trainer and Server."""
