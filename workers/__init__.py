"""The processes that push: delivery, sweep, queue, destinations."""
