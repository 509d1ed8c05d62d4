"""Trained networks of finished runs: loaded or trained again, used, exported, trained further."""
