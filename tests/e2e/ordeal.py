"""Kill training at random moments, or start it several times at once, and look at what it leaves.

``python tests/e2e/ordeal.py run --count 20`` and ``… sweep --count 20`` kill as many trainings,
each a process of its own, with SIGKILL, and go on with them: what they leave has to be that of one
left alone to the last byte, times apart. ``… together --count 3`` starts one run twice at the same
time, then three times: one has to train, the others have to say so. The status is 0 where all is
as it has to be.
"""

import argparse
import json
import os
import random
import re
import signal
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from peftsp.training.cli import main as train
from peftsp.training.randomness import StepSeed

SMALL = (
    *("backbone=esm2_tiny", "peft.last_k=1", "data=synthetic", "data.count=60"),
    *("data.batch_size=5", "optimizer=adamw", "trainer=cpu", "trainer.log_every_n_steps=1"),
    *("callbacks.progress_bar=null", "callbacks.resume_point.minutes=0"),
)
RUN = (*SMALL, "trainer.max_epochs=3", "ckpt_path=last")
SWEEP = ("-m", *SMALL, "trainer.max_epochs=2", "data.batch_size=10", "data.fold=0,1")
COMPARED = (
    *("bundle/weights.safetensors", "bundle/config.json"),
    *("metrics.csv", "test_predictions.csv", "confusion.png"),
)
# A checkout may be worked on while this runs.
NOT_COMPARED = {"begun", "ended", "commit"}
OF_COST = {"fit_seconds", "peak_memory"}
REFUSED = r"error: \S+: expected no other process there, found one that is training\n"


def start(arguments, folder, screen="screen.txt", prepare=lambda: None):
    """Train in a process of its own, which has all imported already, and return its number."""
    folder.mkdir(exist_ok=True)
    number = os.fork()
    if number:
        return number
    os.chdir(folder)
    file = os.open(screen, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(file, 1)
    os.dup2(file, 2)
    sys.argv = ["train.py", *arguments]
    prepare()
    status = 1
    try:
        train()
        status = 0
    except SystemExit as end:
        status = end.code
    finally:
        sys.stdout.flush()
        os._exit(status)


def status_of(number):
    """How a process ended, once it has."""
    return os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])


def left_by(folder):
    """Content of what each run below a folder leaves."""
    found = {}
    for path in sorted(folder.rglob("run.json")):
        record = json.loads(path.read_text())
        cost = {k: v for k, v in record.pop("cost").items() if k not in OF_COST}
        record = {k: v for k, v in record.items() if k not in NOT_COMPARED}
        files = {name: (path.parent / name).read_bytes() for name in COMPARED}
        found[path.parent.name] = {**files, "run.json": record | {"cost": cost}}
    return found


def differing(found, whole):
    """Runs and their files that differ."""
    return [
        f"{run}/{name}"
        for run in sorted(found.keys() | whole.keys())
        for name in (*COMPARED, "run.json")
        if found.get(run, {}).get(name) != whole.get(run, {}).get(name)
    ]


def kill(command, count, place, draws):
    """Kill that many trainings, and return how many differ from one left alone."""
    began = time.monotonic()
    whole, bad = left_alone(command, place), 0
    seconds = time.monotonic() - began
    for index in range(1, count + 1):
        folder, moment = place / f"{index:04}", draws.uniform(0, seconds)
        number = start(command, folder)
        time.sleep(moment)
        os.kill(number, signal.SIGKILL)
        how = "killed" if status_of(number) else "had ended"
        status = status_of(start(command, folder))
        wrong = [f"status {status}"] if status else differing(left_by(folder), whole)
        bad += bool(wrong)
        print(f"{how} after {moment:.2f} s: {', '.join(wrong) or 'the same'}", flush=True)
    print(f"{count - bad} of {count} the same")
    return bad


def left_alone(command, place):
    """What a training leaves that nothing happens to; its folder's name is as long as others'."""
    # Checkpoints hold the name, and their size is compared.
    assert status_of(start(command, place / "0000")) == 0, place
    whole = left_by(place / "0000")
    assert whole
    return whole


def start_together(count, folder):
    """Start one run that often at once, and return what each process did not do as it should."""
    go = folder.with_suffix(".go")

    def wait_at_first_step():
        seed_step = StepSeed.on_train_batch_start

        def wait(*arguments):
            while not go.exists():
                time.sleep(0.01)
            seed_step(*arguments)

        StepSeed.on_train_batch_start = wait

    screens = {
        start(RUN, folder, f"screen{index}.txt", wait_at_first_step): folder / f"screen{index}.txt"
        for index in range(count)
    }
    wrong = []
    for _ in range(count - 1):
        number, status = os.wait()
        said = screens.pop(number).read_text()
        if os.waitstatus_to_exitcode(status) != 2 or not re.fullmatch(REFUSED, said):
            wrong.append(f"expected status 2 and a line, found {status} and {said}")
    go.touch()
    [number] = screens
    status = status_of(number)
    return [*wrong, f"status {status}"] if status else wrong


def check_together(most, place):
    """Start two of one run, then three, up to that many; return how often something was wrong."""
    whole, bad = left_alone(RUN, place), 0
    for count in range(2, most + 1):
        folder = place / f"{count:04}"
        wrong = start_together(count, folder) or differing(left_by(folder), whole)
        bad += bool(wrong)
        print(f"{count} at once: {', '.join(wrong) or 'one trains, the others say so'}")
    return bad


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["run", "sweep", "together"])
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--folder", type=Path, help="an empty one; default: a temporary one")
    given = parser.parse_args(arguments)
    place = given.folder or Path(tempfile.mkdtemp(prefix="ordeal"))
    if given.what == "together":
        return int(check_together(given.count, place) > 0)
    command = RUN if given.what == "run" else SWEEP
    return int(kill(command, given.count, place, random.Random(given.seed)) > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
