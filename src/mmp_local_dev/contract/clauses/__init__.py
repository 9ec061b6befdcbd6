"""The kinds of clauses: what each promise of the contract means."""
