"""What a worker counts, for Prometheus."""

from patron_runtime.metrics import Metrics


class Figures:
    """Counters and gauges of one worker; labels are models, never records."""

    def __init__(self, metrics: Metrics) -> None:
        self.events = metrics.counter("projection_events_total", "Events applied to read models.")
        self.parkings = metrics.counter("projection_parkings_total", "Aggregates that were parked.", ("model",))
        self.parked = metrics.gauge("projection_parked", "Aggregates parked now, of this worker's share.", ("model",))
        self.waiting = metrics.counter("projection_waiting_total", "Commits waiting behind a parked one.", ("model",))
        self.fenced = metrics.counter("projection_fenced_total", "Batches rolled back for another owner.")
        self.failures = metrics.counter("projection_failures_total", "Interruptions of the worker.", ("part",))
        self.lag_events = metrics.gauge("projection_lag_events", "Messages of the log not yet applied.", ("model",))
        self.lag_seconds = metrics.gauge(
            "projection_lag_seconds", "Age of the oldest commit that is not applied yet; 0 when caught up.", ("model",)
        )
        self.batch_seconds = metrics.histogram("projection_batch_seconds", "Time to write one batch.")
