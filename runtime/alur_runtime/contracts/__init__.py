"""What a program declares: columns, how files are written, what is expected of rows."""
