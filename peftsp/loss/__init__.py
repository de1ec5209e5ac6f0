"""Loss terms beside the likelihood of the CRF."""
