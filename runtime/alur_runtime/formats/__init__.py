"""Files into rows: one reader a format, all strict, all handing on chunks of rows and what does not fit."""
