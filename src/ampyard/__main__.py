from ampyard.server.cli import main

main()
