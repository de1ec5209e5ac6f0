"""Small files of others, right and wrong."""

import pytest

from peftsp.errors import ConfigError
from peftsp.files import is_there, read_json


def test_objects_alone_are_read(tmp_path):
    path = tmp_path / "a.json"
    path.write_text('{"a": 1}')
    assert read_json(path, ConfigError) == {"a": 1}
    for text in ("[1]", "NaN", "{", ""):
        path.write_text(text)
        with pytest.raises(ConfigError, match=r"a\.json: expected"):
            read_json(path, ConfigError)


def test_impossible_name_leads_nowhere(tmp_path):
    assert not is_there(tmp_path / ("a" * 5000))
