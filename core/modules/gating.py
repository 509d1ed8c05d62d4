"""From a user's own module to a gated one: its pairs are found, checked and replaced."""

from collections.abc import Mapping
from typing import Any

from torch import nn

from core.errors import InputError, unknown
from core.modules.architecture import ModuleArchitecture, Pair
from core.modules.fast_paths import close_fast_paths
from core.modules.gated_module import GatedModule
from core.modules.linears import InputGatedLinear, OutputGatedLinear
from core.modules.running import Running
from core.network.blocks import Gater
from core.seeding import SeedStreams
from core.space import complete
from core.strategy import Strategy
from core.training.settings import SPACE

Pairs = Mapping[str, str] | Mapping[tuple[str, ...], str] | Mapping[str | tuple[str, ...], str]
# How far above the target the density of a run may be, unless a study says otherwise.
_TOLERANCE: float = SPACE["density_tolerance"].default


def gate(
    model: nn.Module,
    pairs: Pairs,
    *,
    strategy: type[Strategy],
    blocks: int | Mapping[str, int],
    density: float,
    settings: Mapping[str, Any] | None = None,
    seed: int = 0,
) -> GatedModule:
    """Replace pairs of linear layers of a model by block-gated ones that have their weights.

    A pair is two layers the second of which reads what the first gives, after elementwise functions of the model's own:
    ``W_2 (f(W_1 x + b_1) * g) + b_2``, with ``g`` decided by the strategy from the scores of a gater that reads ``x``.
    With all gates at 1 it gives what it gave before, to rounding. The model is changed in place.

    Args:
        model: every pair runs once in each call of it.
        pairs: the name of the first layer to that of the second, in the order in which the model runs them. A gated
            linear unit has several first layers: ``{("gate_proj", "up_proj"): "down_proj"}``.
        strategy: such as ``strategies.find("top_k")``; one that needs no more than samples.
        blocks: of hidden units, of each pair, or by the name of its first layer.
        density: the target share of open blocks.
        settings: of the strategy; the rest take their defaults.
        seed: of the gaters' initial weights, of the strategy's own, and of gate noise.

    Returns:
        The gated model, on the device and in the precision of the pairs.

    Raises:
        InputError: a name is of no ``nn.Linear`` of the model, two layers do not fit, blocks do not divide hidden
            units, or the strategy cannot decide for a module. Nothing has been changed then.
    """
    if not (isinstance(strategy, type) and issubclass(strategy, Strategy)):
        raise InputError(f"strategy is {strategy!r}, expected a class such as strategies.find('hard_concrete') gives")
    shape = ModuleArchitecture.of(_found(model, pairs, blocks))
    if not 0 < density <= 1:
        raise InputError(f"density is {density:g}, expected a share of open blocks above 0 and up to 1")
    name = strategy.name()
    if (lacking := shape.lacks(strategy.needs)) is not None:
        raise InputError(f"{name} needs {lacking}, which a module of your own does not have")
    if strategy.reshape(shape, density) != shape:
        raise InputError(f"{name} trains a network of another shape, and gate() leaves that of the model as it is")
    chosen = complete(strategy.space, settings or {}, name)
    if (reason := strategy.impossible(shape, chosen, density, _TOLERANCE)) is not None:
        raise InputError(f"{name} cannot keep the budget: {reason}")
    streams = SeedStreams(seed, "evaluate", "module", 0)
    decides = strategy(shape, chosen, streams.torch("initialisation", "strategy"))
    gaters = nn.ModuleList()
    for index, pair in enumerate(shape.pairs):
        gater = Gater(pair.features, pair.blocks)
        gater.reset(streams.torch("initialisation", f"gaters.{index}"), density)
        nn.init.constant_(gater.bias, decides.initial_bias(density))
        gater.centred = decides.centres_scores()
        gaters.append(gater)
    weight = _linear(model, shape.pairs[0].first).weight
    for made in (decides, gaters):
        made.to(weight.device, weight.dtype)
    running = Running()
    for index, pair in enumerate(shape.pairs):
        for each in pair.firsts:
            first = _linear(model, each)
            model.set_submodule(each, OutputGatedLinear(first, each, pair, index, running).train(first.training))
        second = _linear(model, pair.second)
        gated = InputGatedLinear(second, pair.second, pair, index, running)
        model.set_submodule(pair.second, gated.train(second.training))
    return GatedModule(model, shape, gaters, decides, running, close_fast_paths(model), density=density, seed=seed)


def _found(model: nn.Module, pairs: Pairs, blocks: int | Mapping[str, int]) -> list[Pair]:
    if not isinstance(pairs, Mapping) or not pairs:
        raise InputError(
            f"pairs is {pairs!r}, expected names such as {{'linear1': 'linear2'}}: a linear layer and its reader"
        )
    read = [((firsts,) if isinstance(firsts, str) else firsts or ("",), second) for firsts, second in pairs.items()]
    if isinstance(blocks, Mapping) and (wrong := sorted(set(blocks) ^ {firsts[0] for firsts, _ in read})):
        raise InputError(f"blocks and pairs differ in {', '.join(wrong)}: blocks has the first layer of every pair")
    found = []
    named: set[str] = set()
    for (first_name, *beside), second_name in read:
        first, second = _linear(model, first_name), _linear(model, second_name)
        for name in (first_name, *beside, second_name):
            if name in named:
                raise InputError(f"{name} is in two pairs, or twice in one, expected different layers in all places")
            named.add(name)
        if first.out_features != second.in_features:
            raise InputError(
                f"{first_name} gives {first.out_features} features and {second_name} reads {second.in_features}: "
                "the second layer of a pair reads what the first one gives"
            )
        for name in beside:
            other = _linear(model, name)
            if (other.in_features, other.out_features) != (first.in_features, first.out_features):
                raise InputError(
                    f"{name} maps {other.in_features} features to {other.out_features}, and {first_name} "
                    f"{first.in_features} to {first.out_features}: first layers of one pair are alike"
                )
        number = blocks[first_name] if isinstance(blocks, Mapping) else blocks
        if number < 1 or first.out_features % number:
            raise InputError(
                f"{first_name} has {first.out_features} hidden units, which {number} blocks cannot share evenly"
            )
        size = first.out_features // number
        found.append(Pair(first_name, second_name, first.in_features, number, size, second.out_features, tuple(beside)))
    _check_shared(model, named)
    _check_order_of_examples(model, named)
    kinds = {(str(weight.device), weight.dtype) for weight in (_linear(model, name).weight for name in sorted(named))}
    if len(kinds) > 1:
        raise InputError(f"pairs lie in {len(kinds)} places or precisions, expected one device and one dtype for all")
    return found


def _linear(model: nn.Module, name: str) -> nn.Linear:
    modules = dict(model.named_modules())
    linears = [each for each, module in modules.items() if type(module) is nn.Linear]
    module = modules.get(name) if name else None
    if module is None:
        raise unknown("nn.Linear", name, linears)
    if type(module) is not nn.Linear or not {each for each, _ in module.named_parameters()} <= {"weight", "bias"}:
        raise InputError(f"{name} is of type {type(module).__name__}, expected a plain nn.Linear: {', '.join(linears)}")
    hooks = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    if any(getattr(module, each) for each in hooks):
        raise InputError(f"{name} has hooks, which a layer in its place would lose: remove them, or gate another pair")
    return module


def _check_shared(model: nn.Module, named: set[str]) -> None:
    """Refuse layers that are at two places in the model, or whose parameters are."""
    chosen = {id(parameter): name for name in named for parameter in _linear(model, name).parameters()}
    places: dict[int, list[str]] = {}
    for place, parameter in model.named_parameters(remove_duplicate=False):
        if id(parameter) in chosen:
            places.setdefault(id(parameter), []).append(place)
    for held in places.values():
        if len(held) > 1:
            raise InputError(f"{held[0]} is shared with {', '.join(held[1:])}: gated layers have weights of their own")


def _check_order_of_examples(model: nn.Module, named: set[str]) -> None:
    """Refuse PyTorch's transformer layers that have positions before examples, as they do unless told otherwise."""
    for place, module in model.named_modules():
        if isinstance(module, nn.TransformerEncoderLayer | nn.TransformerDecoderLayer):
            prefix = f"{place}." if place else ""
            if not module.self_attn.batch_first and any(name.startswith(prefix) for name in named):
                raise InputError(
                    f"{place or type(module).__name__} has batch_first=False, expected batch_first=True: gates are "
                    "decided example by example"
                )
