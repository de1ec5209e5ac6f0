"""The files of SignalP 6.0 in its layout, so that programs that read those can read ours."""
