"""Facts shipped with the program, each with its source."""
