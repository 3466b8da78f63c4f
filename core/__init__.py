"""What every package stands on: database base, money, actor, errors, clock, audit. Imports nothing of ours."""
