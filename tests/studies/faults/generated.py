"""Generated input: command lines, plugin files, records and frozen studies, good, extreme and senseless."""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from pathlib import Path
from random import Random
from typing import Any

import click

from studies import catalogue
from studies.cli.group import app
from studies.report.drawing.venue import VENUES
from studies.timing.cases import KINDS

ODD = (
    *(
        "",
        " ",
        "-",
        "--",
        ".",
        "..",
        ",",
        ",,",
        "=",
        "a=",
        "=b",
        "a=b=c",
        "0x10",
        "1_0",
        "٣",
        "½",
        "1e",
        "%s%n",
        "{}",
        "{0}",
    ),
    *(
        "true",
        "None",
        "nan",
        "-nan",
        "inf",
        "-inf",
        "1e400",
        "-1e400",
        "1e-400",
        "-1",
        "0",
        "-0.0",
        "1",
        "2",
        "3",
        "0.5",
    ),
    *(
        "9" * 30,
        "9" * 5000,
        "-" + "9" * 400,
        str(2**31),
        str(2**63),
        str(2**64),
        "1" + "0" * 400,
        "x" * 300,
        "é" * 5000,
    ),
    *(
        "ünïcödé",
        "日本語",
        "😀",
        "\u202egnp",
        "\ufeff",
        "\u2028",
        "a\nb",
        "a\rb",
        "\t",
        "\v",
        "\x7f",
        "\x9b31m",
        "\x1b[31mred",
    ),
    *(
        "\0",
        "a\0b",
        "\ud800",
        "\udcff",
        "[/red]",
        "[bold]x",
        "[link=file:///etc]x[/link]",
        ":smile:",
        "<b>&amp;",
        "\\",
        "'",
        '"',
    ),
    *("$(exit 9)", "; exit 9", "`exit 9`", "~", "*", "@x", "-h", "--help", "quickstart", "reinforce", "digits"),
)
COMMANDS = tuple(app.list_commands(click.Context(app)))
STUDIES = ("quickstart", "quickstart", "quickstart", "sanity", "noise")
# What makes sense for an option, or nearly.
SENSIBLE: dict[str, Sequence[str]] = {
    "strategies": ("dense,reinforce", "reinforce", "dense, top_k", "dense,,", "dens", "small_dense,small_dense"),
    "check": ("dense", "dense,reinforce", "of_mine", "dens", "dense,"),
    "dataset": ("digits", "mnist_5k", "mnist1d", "mnist1d:2000", "mnist1d:7", "mnist1d:" + "9" * 5000, "mnist", "svhn"),
    "set": (
        *("network=8x2", "network=4x", "network=1x1,2x2,3x3", f"network={'9' * 5000}x1", "network=1x1" + ",1x1" * 500),
        *(
            "epochs=2",
            "epochs=0",
            "epochs=nan",
            "epochs=1e400",
            "epochs=1.5",
            "learning_rate=1e-7",
            "learning_rate=nan",
        ),
        *("target_density=0.5", "target_density=nan", "activation=relu", "activation=", "reinforce.baseline=none"),
        *("gater_learning_rate=0.1:0.2", "gater_learning_rate=:", "lambda_v=1:2:3", "optimizer=sgd", ".=1", "a.b.c=1"),
    ),
    "address": (
        "127.0.0.1:1",
        "auto",
        "ray://",
        f"{'x' * 300}:80",
        "..:1",
        "\0:1",
        ":1",
        "[::1]:1",
        "127.0.0.1:" + "9" * 30,
    ),
    "only": (*KINDS, "gemv,minibatch", "gemv,", "gem", "scheduling"),
    "format": ("svg", "pdf,png", "png,png", "jpg", ",", "PNG"),
    "venue": (*VENUES, "nature"),
}
# Of every kind, in the folder in which commands run.
PATHS = (
    *(
        "results",
        "own",
        "nowhere",
        "nowhere/deeper",
        "notes.txt",
        "notes.txt/x",
        "plugin.py",
        "latin.py",
        "pipe.py",
        "link.py",
    ),
    *(
        "folder.py",
        "class.py",
        "dangling.py",
        "empty.py",
        "loop",
        "results/..",
        "./results/",
        "folder[red].d",
        "/dev/null",
    ),
    *("/dev/null/x", "/dev/full", "/dev/zero", "/dev/stdin", "/proc/nowhere", "/proc/self/mem", "x" * 300, "y/" * 2500),
    *("b.json", "b.svg", "b.png", "b", "nowhere/b.svg", "results/b.pdf"),
)


def command_line(random: Random) -> list[str]:
    """A command with options of its own, in any order, and now and then with what is not."""
    if random.random() < 0.03:
        return [odd(random) for _ in range(random.randrange(5))]
    name = random.choice(COMMANDS)
    context = click.Context(app)
    command = app.get_command(context, name)
    assert command is not None
    arguments = [parameter for parameter in command.params if isinstance(parameter, click.Argument)]
    options = [parameter for parameter in command.params if isinstance(parameter, click.Option)]
    words = [[_study(random, name) if entry.name == "name" else _value(entry, random)] for entry in arguments]
    for option in random.sample(options, k=min(len(options), _few(random))):
        words += _given(option, random)
    if name == "run":
        # A whole study would take too long.
        small = ["--scale", "quick", "--seeds", "1", "--strategies", "dense,reinforce", "--dataset", "digits"]
        words += random.choice(([small], [["--dry-run"]], [small, ["--dry-run"]]))
    if random.random() < 0.1:
        words.append([odd(random)])
    random.shuffle(words)
    return [*(["-v"] if random.random() < 0.1 else []), name, *(word for part in words for word in part)]


def odd(random: Random) -> str:
    """A text that nobody would type."""
    if random.random() < 0.8:
        return random.choice(ODD)
    return "".join(random.choice(ODD)[:20] for _ in range(random.randrange(4)))


def _few(random: Random) -> int:
    return min(int(random.expovariate(0.6)), 8)


def _study(random: Random, command: str) -> str:
    chance = random.random()
    # Invented runs have no measurements, which other studies ask for.
    if chance < 0.8 or (chance < 0.85 and command == "run"):
        return random.choice(STUDIES)
    return random.choice(catalogue.names()) if chance < 0.85 else odd(random)


def _given(option: click.Option, random: Random) -> Iterator[list[str]]:
    name = random.choice(option.opts)
    if option.is_flag:
        yield [name]
        return
    for _ in range(random.choice((1, 1, 2, 3)) if option.multiple else 1):
        value = _value(option, random)
        yield [f"{name}={value}"] if name.startswith("--") and random.random() < 0.3 else [name, value]


def _value(parameter: click.Parameter, random: Random) -> str:
    if random.random() < 0.3:
        return odd(random)
    kind = parameter.type
    known = max(parameter.opts, key=len).removeprefix("--")
    if isinstance(kind, click.Choice):
        return str(random.choice([*kind.choices]))
    if isinstance(kind, click.Path):
        return random.choice(PATHS)
    if known in SENSIBLE:
        return random.choice(SENSIBLE[known])
    return random.choice(("1", "2", "3", "0.5", "0", "-1", "1e9", "1000000000", "nan", "inf", "1e-9", "1e300"))


Json = Any


def places(content: Json, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every entry of a document; of long lists those of the first two."""
    if at:
        yield at
    entries = (
        content.items() if isinstance(content, dict) else enumerate(content[:2]) if isinstance(content, list) else ()
    )
    for key, value in entries:
        yield from places(value, (*at, key))


def deep(levels: int) -> Json:
    made: Json = 0
    for _ in range(levels):
        made = [made]
    return made


WRONG: tuple[Json, ...] = (
    *(None, True, False, 0, 1, -1, 2, 0.5, -0.5, 1.5, 1e300, -1e300, 5e-324, float("nan"), float("inf"), -float("inf")),
    *(
        10**400,
        -(10**400),
        2**63,
        10**9,
        "",
        "0",
        "nan",
        "1e400",
        "reinforce",
        "x" * 10_000,
        "\x1b[31mred\x1b[0m",
        "\0",
        "\ud800",
    ),
    *(
        "[/red]",
        "<script>alert(1)</script>",
        "../../x",
        "a\nb",
        "\u202egnp",
        "=1+1",
        "$\\input{x}$",
        [],
        [[]],
        [None],
        {},
        {"": 0},
    ),
    *([0] * 300, ["x", 1], {"x": {"y": []}}, deep(50), [1e300, -1e300], [float("nan")]),
)


def changed(content: Json, random: Random) -> Json:
    """A document of which one or a few entries are removed, replaced, renamed, doubled, or exchanged for another's."""
    content = json.loads(json.dumps(content))
    if random.random() < 0.02:
        return deepcopy(random.choice(WRONG))
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        found = list(places(content))
        if not found:
            break
        *path, last = random.choice(found)
        parent = content
        for key in path:
            parent = parent[key]
        action = random.randrange(6)
        if action == 0:
            del parent[last]
        elif action == 1 and isinstance(parent, dict):
            parent[odd(random)] = parent.pop(last)
        elif action == 2:
            *other, end = random.choice(found)
            source = content
            try:
                for key in (*other, end):
                    source = source[key]
            except (KeyError, IndexError, TypeError):
                continue
            parent[last] = json.loads(json.dumps(source))
        elif action == 3 and isinstance(parent[last], int | float) and not isinstance(parent[last], bool):
            parent[last] = random.choice((-1, 0, 2, 1e6, 1e-6)) * parent[last]
        else:
            parent[last] = deepcopy(random.choice(WRONG))
    return content


def written(content: Json) -> bytes:
    """A document as JSON, with whatever JSON cannot hold as Python writes it."""
    return json.dumps(content, indent=1).encode()


def damaged(content: bytes, random: Random) -> bytes:
    """A file of which bytes are missing, changed, or too many."""
    at = random.randrange(len(content) + 1)
    until = at + random.randrange(1, 40)
    damages: tuple[Callable[[], bytes], ...] = (
        lambda: content[:at],
        lambda: content[at:],
        lambda: content[:at] + content[until:],
        lambda: content[:at] + random.randbytes(random.randrange(1, 8)) + content[until:],
        lambda: content[:at] + content[at:until] * 3 + content[until:],
        lambda: content[:at] + odd(random).encode("utf-8", "surrogatepass") + content[at:],
        lambda: b"\xef\xbb\xbf" + content,
        lambda: content + content,
        lambda: content.decode().encode("utf-16"),
        lambda: b"[" * 100_000 + b"]" * 100_000,
        lambda: b'{"a":' * 3000 + b"0" + b"}" * 3000,
        lambda: b"9" * 5000,
        lambda: b"\0" * len(content),
        lambda: random.randbytes(100),
        lambda: b"",
    )
    return random.choice(damages)()


PLUGIN = '''"""A plugin."""

from core.parts.gates import budget, top_blocks
from core.space import Choice, Integer, PerLayer, Real
from core.strategy import Batch, Decision, Site, Strategy


class OfMine(Strategy):
    """Open the blocks of the highest scores."""

    source = "a test"
    family = "routing"
    gated = True
    needs = frozenset({"passes"})
    space = {"heat": Real(1.0, low=0.1, high=10.0, log=True), "many": Integer(2, low=1, high=4)}
    scores_blocks = True
    gate_rule = None

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.seen = 0

    def decide(self, batch):
        def decide(site):
            weights = (site.scores / self.settings["heat"]).sigmoid()
            return Decision(top_blocks(site.scores, budget(site.blocks, batch.density)) * weights)

        return decide

    def objective(self, batch):
        self.seen += 1
        done = batch(self.decide(batch))
        return done.mean_loss(), done

    def infer(self, batch):
        return batch(self.decide(batch))
'''
ATTRIBUTES = (
    *(
        "source",
        "family",
        "gated",
        "needs",
        "space",
        "scores_blocks",
        "gate_rule",
        "__doc__",
        "idea",
        "__init__",
        "decide",
    ),
    *(
        "objective",
        "infer",
        "teacher_settings",
        "estimator_settings",
        "settings",
        "__module__",
        "__name__",
        "__qualname__",
    ),
    *(
        "__abstractmethods__",
        "__slots__",
        "__eq__",
        "__getattr__",
        "__init_subclass__",
        "__class_getitem__",
        "parameters",
    ),
    *("state_dict", "train", "to", "forward", "__str__", "__reduce__", "__hash__"),
)
RAISED = (
    *(
        "Exception()",
        "ValueError('a\\nb')",
        "RuntimeError('\\x1b[31mred [/red]')",
        "OSError(28, 'No space left on device')",
    ),
    *("SystemExit(7)", "SystemExit('bye')", "GeneratorExit()", "StopIteration(3)", "RecursionError()", "MemoryError()"),
    *("KeyError()", "UnicodeDecodeError('utf-8', b'x', 0, 1, 'y')", "type('Own', (BaseException,), {})('mine')"),
    *("type('Mute', (Exception,), {'__str__': lambda self: 5})()", "__import__('core.errors').errors.InputError('')"),
    *("__import__('click').Abort()", "__import__('click').exceptions.Exit(9)", "__import__('click').UsageError('use')"),
    *(
        "ExceptionGroup('g', [ValueError()])",
        "AssertionError",
        "NotImplementedError",
        "Warning('w')",
        "BrokenPipeError()",
    ),
    *(
        "TimeoutError()",
        "FileNotFoundError(2, 'gone', '\\ud800')",
        "__import__('core.errors').errors.MachineError('m')",
    ),
)
VALUES = (
    *(
        "None",
        "True",
        "0",
        "-1",
        "1.5",
        "float('nan')",
        "10**400",
        "''",
        "'x' * 100_000",
        "'routing'",
        "b'x'",
        "[]",
        "{}",
        "()",
    ),
    *(
        "object()",
        "type",
        "lambda *a, **k: 5",
        "lambda *a, **k: None",
        "property(lambda self: 1 / 0)",
        "...",
        "NotImplemented",
    ),
    *(
        "'\\x1b[31m[/red]'",
        "'\\ud800'",
        "'\\0'",
        "{'heat': 3}",
        "{3: Real(1.0, low=0.0, high=2.0)}",
        "{'labels'}",
        "{'flips'}",
        "[[]]",
    ),
    *(
        "{'heat': Real(9.0, low=0.1, high=1.0)}",
        "{'heat': Real('x', low=None, high=1.0)}",
        "{'heat': Choice('a', ())}",
        "Real",
    ),
    *(
        "{'heat': Choice(5, ('a', 'b'))}",
        "{'heat': Integer(1, low=float('nan'), high=2)}",
        "{'\\x1b[31m': Real(1.0, low=0.0, high=2.0)}",
    ),
    *(
        "{'heat': PerLayer([], low=0.0, high=1.0)}",
        "{'epochs': Integer(3, low=1, high=5)}",
        "{'a.b=c,d': Choice('a', ('a',))}",
    ),
    *(
        "{'heat': type('D', (Choice,), {'check': lambda self, value: 1 / 0})('a', ('a',))}",
        "frozenset({('passes',)})",
        "{None}",
    ),
    *(
        "{'heat': type('D', (Choice,), {'check': lambda self, value: object()})('a', ('a',))}",
        "iter(())",
        "{'heat': Real}",
    ),
    *("type('S', (str,), {'__str__': lambda self: 5})('x')", "type('M', (dict,), {'items': lambda self: 1 / 0})(a=1)"),
    *("type('E', (), {'__eq__': lambda *a: 1 / 0, '__bool__': lambda *a: 1 / 0, '__repr__': lambda *a: 1 / 0})()",),
)


def plugin(random: Random) -> bytes:
    """A plugin with one or a few faults, or none."""
    lines = PLUGIN.splitlines()
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        _spoil(lines, random)
    content = "\n".join(lines).encode("utf-8", "surrogatepass")
    if random.random() < 0.1:
        content = damaged_source(content, random)
    return content


def _spoil(lines: list[str], random: Random) -> None:
    at = random.randrange(len(lines)) if lines else 0
    begin = lines.index("class OfMine(Strategy):") if "class OfMine(Strategy):" in lines else 0
    last = len(lines)
    action = random.randrange(10)
    if action == 0:
        del lines[at : at + random.choice((1, 1, 2, 5))]
    elif action == 1:
        lines.insert(random.randrange(last + 1), lines[at] if lines else "")
    elif action == 2:
        lines.insert(random.choice((0, begin, last)), f"raise {random.choice(RAISED)}")
    elif action == 3:
        indent = lines[at][: len(lines[at]) - len(lines[at].lstrip())] if lines else ""
        lines.insert(at, f"{indent}raise {random.choice(RAISED)}")
    elif action == 4 and lines:
        lines[at] = random.choice((f" {lines[at]}", lines[at][1:], lines[at] + odd(random), odd(random)))
    elif action == 5:
        # What comes after it wins.
        lines.append(f"\n\nOfMine.{random.choice(ATTRIBUTES)} = {random.choice(VALUES)}")
    elif action == 6:
        names = random.choice(("self, *a, **k", "cls", "", "self", "*a"))
        decorator = random.choice(("", "    @classmethod\n", "    @staticmethod\n", "    @property\n"))
        lines.append(
            f"\n{decorator}    def {random.choice(ATTRIBUTES)}({names}):\n        raise {random.choice(RAISED)}"
        )
    else:
        lines.append(f"    {random.choice(ATTRIBUTES)} = {random.choice(VALUES)}")


def damaged_source(content: bytes, random: Random) -> bytes:
    if random.random() < 0.5:
        return damaged(content, random)
    return random.choice(
        (
            b"# -*- coding: latin-1 -*-\n" + content.replace(b"a test", b"\xe9t\xe9"),
            content.replace(b"a test", b"\xff\xfe"),
            content + b"\0",
            content + b"\nx = " + b"(" * 5000 + b")" * 5000,
            content + b"\nx = " + b"-" * 100_000 + b"1",
            content + b"\nx = " + b"+".join([b"1"] * 20_000),
            content.replace(b"\n", b"\r\n"),
            content.replace(b"    ", b"\t"),
            content + b"\nimport of_mine\n",
            content + b"\nfrom beside import *\n",
            content + b"\nimport sys; sys.modules[__name__] = None\n",
            content + b"\nprint('said')\n",
            content + b"\n__all__ = 5\n__plugin__ = 5\n__name__ = 5\n",
            content + b"\ndel OfMine\n",
            content + b"\nOther = type('Other', (OfMine,), {})\n",
            content + b"\nOfMine.__module__ = 'elsewhere'\n",
            content + b"\nimport warnings; warnings.warn('mind')\n",
        )
    )


PLUGIN_NAMES = (
    "of_mine",
    "of_mine",
    "of_mine",
    "ünïcödé",
    "日本",
    "lambda",
    "_",
    "x" * 200,
    "__init__",
    "torch",
    "os",
    "dense",
)


def files_for(folder: Path) -> None:
    """Make what ``PATHS`` names, but for what must not be there."""
    for name in ("own", "folder.py", "folder[red].d"):
        (folder / name).mkdir()
    (folder / "notes.txt").write_text("mine", "utf-8")
    (folder / "plugin.py").write_text(PLUGIN, "utf-8")
    (folder / "class.py").write_text(PLUGIN, "utf-8")
    (folder / "empty.py").write_text("", "utf-8")
    (folder / "latin.py").write_bytes(PLUGIN.replace("a test", "été").encode("latin-1"))
    (folder / "link.py").symlink_to("/dev/zero")
    (folder / "dangling.py").symlink_to("nowhere.py")
    (folder / "loop").symlink_to("loop")
    os.mkfifo(folder / "pipe.py")
