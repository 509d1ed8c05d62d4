"""What compiled code may be given by address: plain tensors, in a call that no part of PyTorch follows.

A kernel that is launched past the dispatcher is seen by nothing that acts there. What is followed is made an operator,
therefore, and whatever has no rule for that operator goes to the reference, which is made of PyTorch's own operations.
"""

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor
from torch.autograd import forward_ad
from torch.nn import Parameter

# Types of tensors that are nothing but their memory; an nn.Buffer is a Tensor.
PLAIN = frozenset({Tensor, Parameter})
# Bound once: a batch of one takes a few microseconds in all.
_transformed = torch._C._are_functorch_transforms_active
_modes = torch._C._len_torch_dispatch_stack
_traced = torch._C._is_tracing
_is_batched = torch._C._functorch.is_legacy_batchedtensor


def unusual(*tensors: Tensor | None) -> str | None:
    """Return what about a call of these tensors only the reference can do, or None."""
    if _transformed() or forward_ad._current_level >= 0:
        return transform()
    if _traced():
        return "torch.jit.trace is at work"
    for tensor in tensors:
        if tensor is not None and (type(tensor) not in PLAIN or tensor.is_neg()):
            kind = _unusual_kind(tensor)
            if kind is not None:
                return kind
    return None


def _unusual_kind(tensor: Tensor) -> str | None:
    if isinstance(tensor, FakeTensor) and followed():
        return None
    if type(tensor) not in PLAIN:
        return f"a tensor is a {type(tensor).__name__}"
    return "a tensor is a view that is negated when it is read"


def followed() -> bool:
    """Whether a ``TorchDispatchMode`` looks at operations, to count or to imagine them for instance."""
    found: bool = _modes() > 0
    return found


def transform() -> str | None:
    """Return which transform of functions is at work, or None."""
    if _transformed():
        return "a transform of torch.func is at work"
    if in_forward_mode():
        return "derivatives are computed in forward mode"
    return None


def in_forward_mode() -> bool:
    """Whether tensors may have tangents."""
    found: bool = forward_ad._current_level >= 0
    return found


def is_batch(grad: Tensor) -> bool:
    """Whether this is several gradients that look like one, as ``is_grads_batched`` hands them back."""
    found: bool = _is_batched(grad)
    return found
