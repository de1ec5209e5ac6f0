"""Hydra plug-ins: sweeps that resume, and launchers for submitit and Ray.

Hydra looks for plug-ins in the namespace package ``hydra_plugins`` and imports all of them, so that
what a launcher needs is imported when it launches.
"""
