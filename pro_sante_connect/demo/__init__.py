"""Everything `psc demo` needs and nothing that production imports: fictional people, their phones, a health service."""
