"""What `verification_script` of dev-contract.yml names: the same as `mmp-dev check`."""

from mmp_local_dev.cli.main import main

main(["check"])
