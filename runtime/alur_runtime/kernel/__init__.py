"""One batch into pending uploads and a commit manifest; the same code on every engine."""
