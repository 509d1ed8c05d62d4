"""What tests share: small networks, invented records, drivers of real runs."""
