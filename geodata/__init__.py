"""What is where: regions, organisations, instruments, and the facts they rest on. Knows nothing of money or bookings."""
