"""What reactions count and time. Labels are names of reactions and kinds of timers, never subjects or ids."""

from typing import Final

from patron_runtime.metrics import Metrics

_LATENESS_S: Final = (0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 15.0, 60.0, 300.0, 3600.0, 86400.0)


class ReactionFigures:
    """Figures of one host."""

    def __init__(self, metrics: Metrics) -> None:
        self.handled = metrics.counter("reactions_total", "Reactions run, by outcome.", ("reaction", "outcome"))
        self.seconds = metrics.histogram("reaction_seconds", "Time of one run.", ("reaction",))
        self.delay = metrics.histogram(
            "reaction_delay_seconds", "From storing a fact to the end of a reaction.", ("reaction",), _LATENESS_S
        )
        self.lateness = metrics.histogram(
            "timer_lateness_seconds", "From the time of a timer to the end of its reaction.", ("kind",), _LATENESS_S
        )
        self.dead = metrics.counter("dead_letters_total", "Dead letters left.", ("reaction",))
        self.pending = metrics.gauge("reactions_pending", "Messages that nobody was given yet.", ("stream", "consumer"))
        self.open = metrics.gauge("reactions_open", "Messages given and not settled.", ("stream", "consumer"))
