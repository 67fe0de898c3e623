"""Figures of speed, each beside a limit measured in the same run on the same machine (`make bench`)."""
