"""The books: what is remembered of time, energy and money, and what follows from it."""
