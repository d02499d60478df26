"""What the end-to-end tests share: a network namespace, peers, and a running Sluice."""
