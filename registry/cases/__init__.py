"""Cases: what becomes of a flag, from the first look to the published result, by stages that are data."""
