"""Linear-chain conditional random field over the 37 states."""
