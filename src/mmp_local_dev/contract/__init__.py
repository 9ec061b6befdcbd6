"""The contract: what is promised (model, load), for whom it is resolved (resolve), and whether it is kept (verify)."""
