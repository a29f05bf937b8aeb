"""How to run threegates: local servers, the played agencies of the demo, supervision. No domain code."""
