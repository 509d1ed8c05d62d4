"""Figures that any study may show, one file each; every one is drawn from an exported table and nothing else."""
