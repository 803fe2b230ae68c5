"""The proof on a real K3s of two nodes: `make test-cluster K3S_BINARY=… K3S_IMAGES=…`."""
