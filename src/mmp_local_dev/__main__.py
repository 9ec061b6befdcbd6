"""`python -m mmp_local_dev` is `mmp-dev`."""

from mmp_local_dev.cli.main import main

main()
