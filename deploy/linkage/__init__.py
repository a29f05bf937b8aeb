"""Labelled linkage sets, made up from real plant names or from invented ones; the linker knows nothing of this."""
