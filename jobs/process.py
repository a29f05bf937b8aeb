"""How a process is set up that moves millions of short-lived rows, or answers others without a pause."""

import gc


def calm_collector() -> None:
    """Look for garbage rarely: rows come and go without cycles, and each full look costs a fifth of a sync's time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(200_000, 20, 50)
