"""Graphs in and out: archives that lose nothing."""
