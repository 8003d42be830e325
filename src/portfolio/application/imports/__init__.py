"""Use cases of imports: files of exchanges and programs become events, as a preview."""
