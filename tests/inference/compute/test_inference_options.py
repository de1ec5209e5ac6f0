import inspect
from dataclasses import MISSING, fields

from peftsp.inference.commands.predict import _parser
from peftsp.inference.compute.api import predict
from peftsp.inference.compute.options import KINGDOM_NAMES, ModelSettings, kingdom_of, sums_types
from peftsp.labels import KINGDOMS


def test_each_kingdom_is_a_choice_beside_other():
    assert KINGDOM_NAMES[0] == "other"
    for kingdom in KINGDOM_NAMES[1:]:
        assert KINGDOMS[kingdom_of(kingdom)] == kingdom.upper()


def test_only_eukaryotes_have_one_type():
    assert [kingdom for kingdom in KINGDOM_NAMES if sums_types(kingdom)] == ["eukarya"]


def test_command_and_python_have_the_same_defaults():
    of_command = vars(_parser().parse_args(["proteins.fasta"]))
    of_python = {
        name: argument.default
        for name, argument in inspect.signature(predict).parameters.items()
        if argument.kind is inspect.Parameter.KEYWORD_ONLY
    }
    of_settings = {f.name: f.default for f in fields(ModelSettings) if f.default is not MISSING}
    shared = ("kingdom", "min_probability", "precision", "device", "runtime", "backbone")
    for name in shared:
        assert of_command[name] == of_python[name] == of_settings[name], name
    assert {"batch_size", "allow_code", *shared} <= of_python.keys() & of_settings.keys()
