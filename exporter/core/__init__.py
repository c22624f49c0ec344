"""The functional core: frozen data in, frozen data out.

No I/O, no clock, no logging; standard library only.
"""
