"""The platform on a real K3s: `make test-platform K3S_BINARY=… K3S_IMAGES=… PLATFORM_IMAGES=… CHARTS_DIR=…`."""
