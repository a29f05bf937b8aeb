"""Logs of the jobs' processes: one JSON object a line, with the civil time, without anything personal."""

import logging

import structlog


def configure_logs() -> None:
    """Write structured lines to standard error; libraries speak from warnings on."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(),
    )


def hush(level: int = logging.WARNING) -> None:
    """Let commands speak for themselves: only what is as grave reaches the terminal."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(level))
