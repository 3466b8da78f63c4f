"""The parts of the sample history.

`story` says what happens and how often, `cast` who takes part, `calendar` how full the weeks ahead are. `trade` and `money` write what the
verbs of `bookings` and `vouchers` would write, into `books`: they change when a verb changes, and a test runs both side by side.
"""
