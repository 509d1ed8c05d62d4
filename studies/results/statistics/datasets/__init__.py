"""Arms over several datasets and settings, whose raw errors are never averaged: ranks, and shares of a known gap."""
