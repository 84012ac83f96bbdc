"""The dataset that the nightly work is measured with: taps of smart cards, made from a seed."""
