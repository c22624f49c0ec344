"""The upstreams: one file each, returning core values and raising only SourceError."""
