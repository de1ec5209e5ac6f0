"""A web page that predicts in the browser's tab."""
