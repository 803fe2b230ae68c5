"""How often one job may ask the model: past that, the rules decide and the verdict says so."""

from __future__ import annotations

from k8s_log_agent.llm.answers import ModelError
from k8s_log_agent.triage.asking import Asked, Panel, Question


class BudgetSpentError(ModelError):
    """The job has asked the model as often as it may."""


class BudgetedPanel:
    """A `Panel` for one job, which passes on `most` questions and refuses further ones."""

    def __init__(self, panel: Panel, most: int) -> None:
        self._panel = panel
        self._most = most
        self.asked = 0

    @property
    def prompt_version(self) -> str:
        """As `Panel.prompt_version`."""
        return self._panel.prompt_version

    def check(self) -> None:
        """As `Panel.check`."""
        self._panel.check()

    def ask(self, question: Question) -> Asked:
        """As `Panel.ask`; raises `BudgetSpentError` too."""
        if self.asked >= self._most:
            raise BudgetSpentError(
                f"This job may ask the model {self._most} times and did. Ask for a shorter range, or raise "
                "model_calls_per_job."
            )
        self.asked += 1
        return self._panel.ask(question)
