"""What Alertmanager posts to a webhook (version 4), checked; members that a later Alertmanager adds are passed over."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

MOST_ALERTS = 10_000
_MOST_LABELS = 100
_NEVER = datetime(1, 1, 2, tzinfo=UTC)  # an alert that fires ends in the year 1

Text = Annotated[str, StringConstraints(max_length=16_384)]
Name = Annotated[str, StringConstraints(max_length=1024)]
Labels = Annotated[dict[Name, Text], Field(max_length=_MOST_LABELS)]
Status = Literal["firing", "resolved"]


class _Posted(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True, hide_input_in_errors=True)


class Alert(_Posted):
    """One alert of a group. The same `fingerprint` and `starts_at` are the same alert."""

    status: Status
    labels: Labels = {}
    annotations: Labels = {}
    starts_at: Annotated[AwareDatetime, Field(alias="startsAt")]
    ends_at: Annotated[AwareDatetime | None, Field(alias="endsAt")] = None
    generator_url: Annotated[Text, Field(alias="generatorURL")] = ""
    fingerprint: Annotated[Name, Field(min_length=1)]

    @property
    def name(self) -> str:
        """The name of the rule that fired."""
        return self.labels.get("alertname", "")

    @property
    def ended_at(self) -> datetime | None:
        """When it was resolved; None while it fires."""
        return self.ends_at if self.status == "resolved" and self.ends_at and self.ends_at > _NEVER else None

    def identity(self, group: str) -> str:
        """The same for the same alert of the same group, however often it is sent."""
        parts = chr(31).join((group, self.fingerprint, self.starts_at.astimezone(UTC).isoformat()))
        return hashlib.sha256(parts.encode("utf-8", "replace")).hexdigest()[:32]


class AlertMessage(_Posted):
    """One message about one group of alerts."""

    version: Literal["4"]
    group_key: Annotated[str, Field(alias="groupKey", min_length=1, max_length=16_384)]
    truncated_alerts: Annotated[int, Field(alias="truncatedAlerts", ge=0, le=1_000_000_000)] = 0
    status: Status
    receiver: Name = ""
    group_labels: Annotated[Labels, Field(alias="groupLabels")] = {}
    common_labels: Annotated[Labels, Field(alias="commonLabels")] = {}
    common_annotations: Annotated[Labels, Field(alias="commonAnnotations")] = {}
    external_url: Annotated[Text, Field(alias="externalURL")] = ""
    alerts: Annotated[tuple[Alert, ...], Field(max_length=MOST_ALERTS)] = ()
