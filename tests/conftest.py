"""What holds for all tests."""

from hypothesis import settings

# a deadline would say how busy the machine is, or that a lexicon is read with the first example
settings.register_profile("earshot", deadline=None)
settings.load_profile("earshot")
