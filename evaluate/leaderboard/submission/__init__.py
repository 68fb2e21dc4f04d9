"""Submitting a model: its folder is checked, tried, evaluated and proposed to a board; nothing in it ever runs."""
