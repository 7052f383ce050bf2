"""What the figures share: taking turns, spreads, writers, other processes, the report."""
