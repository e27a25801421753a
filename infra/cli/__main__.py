"""`python -m infra.cli`: how the supervisor starts the services."""

from infra.cli import main

main()
