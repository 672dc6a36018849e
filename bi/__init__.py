"""What Trainyard brings for BI tools, a folder a tool. Not here: how to connect one (``docs/connecting.md``)."""
