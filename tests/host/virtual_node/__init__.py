"""A virtual machine with an NVMe disk joins a K3s server in a container: disk, node, labels and taint by site.yml."""
