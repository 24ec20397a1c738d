# Each verb is ./dev VERB; PORT=, VAR=, ONCE=, PMS=, VENDOR=, WORKERS=, UPGRADE= reach it through the environment.
.PHONY: help setup run test check bench drill lock wheel
export PORT VAR ONCE PMS VENDOR WORKERS UPGRADE

help setup run test check bench drill lock wheel:
	@./dev $@
