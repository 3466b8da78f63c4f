"""The money: policies, ledger, and the life of a voucher from application to payout. Knows nothing of what a voucher buys."""
