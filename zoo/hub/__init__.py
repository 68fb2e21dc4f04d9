"""Hugging Face hubs: addresses, and a client that is bounded in time, checks what it gets and speaks in plain words."""
