"""The demo: the toy shop Toyhouse, its catalogue, and the encyclopedia that sends it visitors."""
