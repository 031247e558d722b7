"""The models treemem uses: embedders."""
