"""Every number that decides about links, in one place; what weights bring themselves (`automatic`) is measured."""

from typing import Final

# Training: what is linked without a person is right this often, as measured on records held back,
RIGHT_ENOUGH: Final = 0.999
# and whatever the weights say never from a lower score than this; a record that names nobody needs a higher one.
AUTOMATIC_AT_LEAST: Final = 0.92
AUTOMATIC_UNNAMED: Final = 0.96
# From this score a candidate is shown to a person.
REVIEW: Final = 0.03
# From this score a doubt is worth a person's time where exact means said that nothing fits.
DOUBT: Final = 0.3
# Candidates that a person is shown, and projects that one record may belong to without a person.
SHOWN: Final = 5
MOST_LINKED: Final = 6
# How alike the works' words, and the companies' names, of one suspected project are at least.
SAME_WORKS: Final = 0.55
SAME_COMPANY: Final = 0.8
