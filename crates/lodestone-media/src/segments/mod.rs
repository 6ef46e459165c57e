//! Container segments: where metadata and structure stand, with byte offsets.
