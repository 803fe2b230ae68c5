"""Machines to test roles on: systemd in podman containers, a private network, the distribution's own userland."""
