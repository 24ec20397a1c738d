"""What is reported about leads: figures worked out from the facts each time they are asked for."""
