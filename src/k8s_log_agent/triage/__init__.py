"""From the lines of a window to a verdict."""
