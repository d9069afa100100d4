"""Everything the demonstration needs and nothing that production imports."""
