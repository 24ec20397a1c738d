"""The sample run: a simulated PMS, leadsvc itself, sample leads, and the table they are compared with."""
