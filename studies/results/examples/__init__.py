"""What runs came to on each test example, and what intervals cover because of it."""
