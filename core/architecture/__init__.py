"""The shapes of networks, as plain data: one file for each kind of network."""

from core.architecture.architecture import Architecture, GatedLayer, Need

__all__ = ["Architecture", "GatedLayer", "Need"]
