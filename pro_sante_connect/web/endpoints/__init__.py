"""Addresses that programs call, and the two that browsers enter by: authorize and logout."""
