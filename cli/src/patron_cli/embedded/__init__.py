"""Everything on one machine behind one port: what `patron up` starts, and where it keeps its data."""
