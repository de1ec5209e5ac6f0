"""What predictions are written as; one module a format or family of formats."""
