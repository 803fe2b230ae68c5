"""How good the answers are: metrics with intervals, baselines, report."""
