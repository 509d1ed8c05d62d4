"""Every strategy and every study has its page, and what pages name is there."""

import importlib
import re
import shlex
import tomllib
from importlib.util import find_spec
from itertools import chain
from pathlib import Path

import click
import pytest

import core.parts
import core.strategy
import strategies
import studies.catalogue
from core.architecture.transformer import Transformer
from studies.cli.group import app
from studies.design import Search
from studies.own.study import ENTRY_POINT_GROUP
from studies.results.results import RUN_COLUMNS
from studies.results.tables import STANDARD
from tests.docs.markdown import DOCS, PAGES, ROOT, code, examples, page_id, prose
from tests.support.invented import random_record, results_of
from tests.support.records import design_of

PARTS = ("**Idea.**", "**Source.**", "**Settings.**", "**Cost.**", "**When it fails.**", "**Sanity**")
PUBLIC = DOCS / "reference" / "public_names.md"
MODULE = re.compile(r"(?<![\w./-])(?:kernels|core|strategies|studies)(?:\.\w+)+(?!\w*[/-])")
PATH = re.compile(r"(?<![\w./-])(?:kernels|core|strategies|studies|tests|docs)/[\w./-]*")
# A dot before one of these ends the name of a file.
SUFFIXES = {"py", "md", "csv", "svg", "yml"}
# What a line has from here on is for another program than ours.
OTHER_PROGRAMS = re.compile(r"(?<![\w-])(ray|srun|sbatch|scontrol|kubectl|pip|#SBATCH)(?=[\s=]).*")
# What a page writes for whatever name is meant.
PLACEHOLDER = re.compile(r"NAME")

every_page = pytest.mark.parametrize("page", PAGES, ids=page_id)


@pytest.mark.parametrize("name", strategies.built_in())
def test_a_strategy_page_has_all_parts_and_names_every_setting(name):
    page = (DOCS / "strategies" / f"{name}.md").read_text(encoding="utf-8")
    assert page.startswith(f"# {name}\n")
    assert [part for part in PARTS if part not in page] == []
    assert [setting for setting in strategies.find(name).space if f"`{setting}`" not in page] == []


@pytest.mark.parametrize("name", studies.catalogue.names())
def test_a_study_page_has_its_question_and_what_it_cannot_show(name):
    page = (DOCS / "studies" / f"{name}.md").read_text(encoding="utf-8")
    assert page.startswith(f"# {name}\n")
    assert studies.catalogue.find(name).question in " ".join(page.split())


def test_the_index_has_a_study_for_every_point_of_the_retrospective():
    index = (DOCS / "studies" / "index.md").read_text(encoding="utf-8")
    rows = {row.split("|")[1].strip(): row for row in index.splitlines() if row.startswith("| R")}
    assert set(rows) == {f"R{number}" for number in range(1, 11)}
    assert [point for point, row in rows.items() if not re.search(r"\(\w+\.md\)", row)] == []


@pytest.mark.parametrize(
    ("folder", "names"), [("strategies", strategies.built_in()), ("studies", studies.catalogue.names())]
)
def test_no_page_is_left_over(folder, names):
    assert {path.stem for path in (DOCS / folder).glob("*.md")} - {"index", "verdicts"} == set(names)


def modules(page: Path) -> set[str]:
    """Dotted names in the code of a page."""
    named = re.findall(r"^::: (\S+)", page.read_text(encoding="utf-8"), re.MULTILINE)
    found = chain(named, *(MODULE.findall(text) for text in code(page)))
    return {name for name in found if name.rpartition(".")[2] not in SUFFIXES}


def exists(name: str) -> bool:
    """Whether a dotted name is a module of ours, or something that one has."""
    parent, _, last = name.rpartition(".")
    try:
        if find_spec(name) is not None:
            return True
    except ModuleNotFoundError:
        pass
    return bool(parent) and exists(parent) and hasattr(thing(parent), last)


def thing(name: str) -> object:
    parent, _, last = name.rpartition(".")
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        return getattr(thing(parent), last)


@every_page
def test_every_module_that_a_page_names_exists(page):
    assert [name for name in sorted(modules(page)) if not exists(name)] == []


def test_a_module_that_does_not_exist_is_seen():
    assert exists("core.strategy.Strategy.gate_rule")
    assert exists("studies.catalogue")
    assert not exists("core.run")
    assert not exists("core.strategy.Run")
    assert not exists("studies.results.collecting.nothing.at.all")


def paths(page: Path) -> set[str]:
    return {path.rstrip(".") for text in code(page) for path in PATH.findall(text)}


def is_there(path: str) -> bool:
    """Whether a path, with placeholders for any names, is in the repository or an example that a guide writes."""
    written = {block.title for block in examples("python") if block.title}
    pattern = PLACEHOLDER.sub("*", path).rstrip("/")
    return any(ROOT.glob(pattern)) or any(f"{title}/".startswith(f"{path.rstrip('/')}/") for title in written)


@every_page
def test_every_file_that_a_page_names_exists(page):
    assert [path for path in sorted(paths(page)) if not is_there(path)] == []


def test_a_file_that_does_not_exist_is_seen():
    assert is_there("studies/timing/measure_NAME.py")
    assert is_there("studies/catalogue/wider/")
    assert not is_there("studies/measurements/NAME.py")
    assert not is_there("studies/catalogue/wide")


@pytest.mark.parametrize("page", [page for page in PAGES if page.parent == ROOT], ids=page_id)
def test_the_links_of_a_page_outside_the_documentation_lead_somewhere(page):
    links = [link for link in re.findall(r"\]\(([^)#]+)", prose(page)) if not link.startswith("http")]
    assert [link for link in links if not (ROOT / link).exists()] == []


def commands() -> dict[str, click.Command]:
    context = click.Context(app)
    return {name: command for name in app.list_commands(context) if (command := app.get_command(context, name))}


def options_of(command: click.Command) -> set[str]:
    return {option for parameter in command.params for option in parameter.opts if option.startswith("--")} | {"--help"}


def studies_of_packages() -> set[str]:
    """Names of the studies that packages of the guides offer."""
    projects = (tomllib.loads(block.text).get("project", {}) for block in examples("toml"))
    return {name for project in projects for name in project["entry-points"].get(ENTRY_POINT_GROUP, ())}


@every_page
def test_every_command_that_a_page_quotes_is_valid(page):
    known = commands()
    for text in code(page):
        _, asked, line = text.partition("python -m studies ")
        words = shlex.split(line, comments=True)
        if not asked or words[0].startswith("-"):
            continue
        assert words[0] in known, text
        assert {word for word in words if word.startswith("--")} <= options_of(known[words[0]]), text
        if words[0] in ("run", "show", "report", "figures", "power"):
            written = {part for block in examples("python") for part in Path(block.title).parts} | studies_of_packages()
            assert words[1] in (*studies.catalogue.names(), "NAME") or Path(words[1]).name in written, text


@every_page
def test_every_option_that_a_page_names_is_one_of_some_command(page):
    known = options_of(app).union(*map(options_of, commands().values()))
    ours = (OTHER_PROGRAMS.sub("", text) for text in code(page))
    found = {option for text in ours for option in re.findall(r"(?<![\w-])--[a-z][\w-]*", text)}
    assert found <= known


@pytest.mark.parametrize("page", [page for page in PAGES if page.parent == ROOT], ids=page_id)
def test_every_target_of_make_that_a_page_names_exists(page):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([\w-]+):", makefile, re.MULTILINE))
    assert {found for text in code(page) for found in re.findall(r"\bmake ([\w-]+)", text)} <= targets


def public_names() -> dict[str, list[str]]:
    rows = re.findall(r"^\| `([\w.]+)` \| (.+) \|$", PUBLIC.read_text(encoding="utf-8"), re.MULTILINE)
    return {module: re.findall(r"`(\w+)`", names) for module, names in rows}


@pytest.mark.parametrize("module", public_names())
def test_every_public_name_exists(module):
    names = public_names()[module]
    assert names
    assert [name for name in names if not hasattr(importlib.import_module(module), name)] == []


def test_the_whole_contract_and_all_parts_are_public():
    found = public_names()
    parts = {f"core.parts.{path.stem}" for path in Path(core.parts.__path__[0]).glob("*.py")} - {"core.parts.__init__"}
    assert parts <= set(found)
    contract = {
        name for name, value in vars(core.strategy).items() if getattr(value, "__module__", "") == "core.strategy"
    }
    assert {*contract, "Decide", "Family", "Need"} == set(found["core.strategy"])


def test_every_column_of_the_standard_tables_is_explained():
    page = prose(DOCS / "guides" / "results.md")
    search = Search(points=2, searches=2)
    design = design_of("reinforce", "small_dense", densities=(1 / 4, 1 / 2), test_split="fixed", search=search)
    results = results_of(design, random_record())
    columns = set(RUN_COLUMNS).union(*(table.numbers(results).columns for table in STANDARD))
    assert [column for column in sorted(columns) if f"`{column}`" not in page] == []


def test_the_transformers_page_names_the_strategies_that_it_refuses_and_no_others():
    page = (DOCS / "concepts" / "transformer.md").read_text(encoding="utf-8")
    _, _, refused = page.partition("refused in one line before anything runs:")
    sentence = refused.partition("\n\n")[0]
    assert sentence
    lacking = {name for name in strategies.built_in() if strategies.find(name).needs - Transformer.supports}
    assert {*re.findall(r"`(\w+)`", sentence)} == lacking
