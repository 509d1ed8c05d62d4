"""Strategies from outside: files and packages of others, their sources, and whether they keep the protocol."""
