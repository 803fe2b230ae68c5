"""What a run may raise for its user to read; everything else is a fault of the program."""

from __future__ import annotations

from k8s_log_agent.dataset.sampling import TargetError
from k8s_log_agent.dataset.store import DatasetError
from k8s_log_agent.dataset.templates import TemplateError
from k8s_log_agent.ingest.recordings import RecordingError
from k8s_log_agent.ingest.source_error import SourceError

USER_ERRORS = (DatasetError, TemplateError, TargetError, SourceError, RecordingError)


def told(error: Exception) -> str:
    """Return the error's text as one paragraph."""
    return " ".join(str(error).split())
