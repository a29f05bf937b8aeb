"""Reference data: regions, industries, agencies, as files with their sources and as the loader of their tables."""
