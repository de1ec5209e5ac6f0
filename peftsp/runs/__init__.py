"""What a training run is: its record, when two are the same one, and its folder."""
