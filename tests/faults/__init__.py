"""Faults: killed processes, lost answers, full disks."""
