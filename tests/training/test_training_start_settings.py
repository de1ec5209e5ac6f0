"""Settings that a command takes over from a bundle or an adapter folder."""

from hydra import compose, initialize_config_dir
from hydra.utils import instantiate

from peftsp.peft.registry import find_method
from peftsp.settings_folder import CONF
from peftsp.training.start_settings import _method, fill_in


def test_commands_without_a_model_stay_as_they_are():
    assert fill_in(["-m", "peft=lora", "init_from=null"]) == ["-m", "peft=lora", "init_from=null"]


def test_every_method_is_found_again():
    with initialize_config_dir(str(CONF), version_base="1.3"):
        for path in sorted((CONF / "peft").glob("*.yaml"))[::3]:
            given = instantiate(compose("train", [f"peft={path.stem}"]).peft, _convert_="all")
            overrides = _method(given)
            assert overrides[0] == f"peft={path.stem}"
            again = compose("train", overrides).peft
            assert instantiate(again, _convert_="all") == find_method(given.settings())
