"""The one error of setting up and running servers: what went wrong and what to do."""


class Failure(Exception):
    """Something that is needed to run cannot be had; the message is for the operator and holds no secret."""

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        """Message and remedy on one line."""
        return f"{self.message} {self.remedy}".strip()
