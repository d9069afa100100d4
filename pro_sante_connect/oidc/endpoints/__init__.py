"""Machine endpoints as functions: a parsed request in, status, headers and bytes out. No framework here."""
