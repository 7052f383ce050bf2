"""Programs that the figures run beside themselves: bots, floors, readers."""
