"""Templates of pages escape what is put into them and miss nothing."""

import jinja2
import pytest
from markupsafe import Markup

from peftsp.web_page import find_template


@pytest.fixture
def make_package(tmp_path, monkeypatch):
    """Function of a name and the text of its page that makes a package."""
    monkeypatch.syspath_prepend(tmp_path)

    def make(name, text):
        folder = tmp_path / name / "templates"
        folder.mkdir(parents=True)
        (tmp_path / name / "__init__.py").write_text("")
        (folder / "page.html.j2").write_text(text)
        return name

    return make


def test_what_is_put_in_is_escaped(make_package):
    page = find_template(make_package("escaping_page", "<p title='{{ name }}'>{{ safe }}</p>"))
    found = page.render(name="'><script>&", safe=Markup("<b>ours</b>"))
    assert found == "<p title='&#39;&gt;&lt;script&gt;&amp;'><b>ours</b></p>"


def test_what_is_missing_is_an_error(make_package):
    page = find_template(make_package("missing_page", "{{ there }} {{ gone }}"))
    with pytest.raises(jinja2.UndefinedError, match="'gone' is undefined"):
        page.render(there=1)


def test_filters_are_known_by_their_names(make_package):
    page = find_template(make_package("filtered_page", "{{ 3 | twice }}"), twice=lambda x: 2 * x)
    assert page.render() == "6"
    with pytest.raises(jinja2.TemplateAssertionError, match="twice"):
        find_template("filtered_page")


def test_lines_of_blocks_leave_nothing_behind(make_package):
    text = "<ul>\n  {% for x in [1, 2] %}\n  <li>{{ x }}\n  {% endfor %}\n</ul>"
    page = find_template(make_package("listing_page", text))
    assert page.render() == "<ul>\n  <li>1\n  <li>2\n</ul>"


@pytest.mark.parametrize("package", ["peftsp.app", "peftsp.report", "peftsp.inference.formats"])
def test_pages_of_our_packages_are_templates(package):
    filters = dict.fromkeys(("inline", "parted"), str)
    assert find_template(package, **filters).filename.endswith("page.html.j2")
