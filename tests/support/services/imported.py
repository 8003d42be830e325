"""What a service imports until it is ready, imported: only forked services want it."""

import gc

import portfolio.entrypoints.assembly.application
import portfolio.entrypoints.server
import portfolio.main  # noqa: F401  to have them loaded is all

gc.freeze()
