"""Speed, memory and races, side by side in one run: `python -m benchmarks`. Ratios count, absolute figures orient."""
