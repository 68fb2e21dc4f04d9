"""Attribution maps of a network's probability, and how well they find the planted motifs.

`methods.attribute` makes the maps, `scores` scores them. Nothing is imported here: scoring needs no PyTorch.
Source: Koo & Ploenzke 2021, Methods; protocol section 5.
"""
