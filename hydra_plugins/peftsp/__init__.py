"""Hydra plug-ins: sweeps that resume, and launchers for submitit and Ray.

Hydra looks for plug-ins in the namespace package ``hydra_plugins`` and imports all of them, so that
what a launcher needs is imported when it launches. It does not see those of an editable install,
hence `register`.
"""

from hydra.core.plugins import Plugins


def register() -> None:
    """Make all plug-ins of this package known to Hydra, however it is installed."""
    plugins = Plugins.instance()  # first, since it loads again what plug-ins are derived from
    from hydra_plugins.peftsp.ray_launcher import RayLauncher
    from hydra_plugins.peftsp.submitit_launcher import SubmititLauncher
    from hydra_plugins.peftsp.sweeper import ResumingSweeper
    from hydra_plugins.peftsp.workers import WorkerSweeper

    for plugin in (RayLauncher, SubmititLauncher, ResumingSweeper, WorkerSweeper):
        plugins.register(plugin)
