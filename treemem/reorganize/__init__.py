"""The reorganizer: plans what to merge, relate, close and archive, and does it one change set at a time."""
