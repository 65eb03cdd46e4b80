"""A whole gateway plugin to begin with; ``portal plugin new`` writes it out under another name."""
