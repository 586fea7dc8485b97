"""Consumption: what the resources of a stack use up in a month, in units that have a price.

Each provider's module tells it of the resource types that it knows. Nothing here knows a price.
"""
