"""When: slots from opening hours, bookings that cannot overlap, orders from offer to settlement. A booking is paid with a voucher."""
