"""What the evaluator of segments counts, for Prometheus."""

from patron_runtime.metrics import Metrics


class EvaluatorFigures:
    """Counters and gauges of the evaluator; no labels, because segments are many."""

    def __init__(self, metrics: Metrics) -> None:
        self.changes = metrics.counter("segment_changes_total", "Customers who entered or left a segment.")
        self.told = metrics.counter("segment_changes_told_total", "Changes of membership told to the log.")
        self.faults = metrics.counter("segment_faults_total", "Segments whose rule could not be evaluated.")
        self.fenced = metrics.counter("segment_fenced_total", "Evaluations rolled back for another evaluator.")
        self.lag_seconds = metrics.gauge("segment_lag_seconds", "Seconds since nothing was left to evaluate.")
        self.seconds = metrics.histogram("segment_evaluation_seconds", "Time to evaluate one step.")
