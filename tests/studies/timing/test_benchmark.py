"""The benchmark: its cases, that both sides of each compute the same, and how times become rows."""

import itertools
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from rich.console import Console

from kernels import block_linear
from kernels.backend import Call
from kernels.triton.support import _wrong_size
from studies.report.figures import speedup
from studies.timing import clock, contenders, gpu_contenders, one_dnn
from studies.timing import rows as measuring
from studies.timing.cases import KINDS, MLP_TEST_EXAMPLES, TURNS, Case, cases
from studies.timing.clock import Contender, Timed
from studies.timing.feed_forward import FeedForward
from studies.timing.peak import Peak
from studies.timing.printing import print_head, print_row, print_verdict
from studies.timing.random_layer import RandomLayer
from studies.timing.rows import Row, measure

LAYER = Case("minibatch", 8, 128, 128, 64, 1 / 2, "both")
FEED_FORWARD = Case("feed_forward", 8, 128, 128, 64, 1 / 4, "hidden")


def targets(**wanted: object) -> dict[object, float | None]:
    found = [case for case in cases("cpu") if all(getattr(case, name) == value for name, value in wanted.items())]
    return {case.d_in: case.target for case in found}


def by_batch(**wanted: object) -> dict[int, float | None]:
    found = [case for case in cases("cpu") if all(getattr(case, name) == value for name, value in wanted.items())]
    return {case.batch: case.target for case in found}


def row(case: Case = LAYER, value: float = 8.0) -> Row:
    return Row(case, "a processor", 1, "oneDNN", value, value - 1, value + 1, value, 80.0, 10.0, 80.0, 10.0)


class TestCases:
    def test_every_kind_is_measured_and_no_case_twice(self):
        assert {case.case for case in cases("cpu")} == set(KINDS)
        assert len(set(cases("cpu"))) == len(cases("cpu"))

    def test_targets_are_those_agreed_on(self):
        both, eighth = {"gated": "both", "baseline": "dense"}, 1 / 8
        assert targets(case="gemv", density=eighth, **both) == {1024: 40, 2048: 40, 4096: 40}
        assert targets(case="gemv", density=1 / 4, **both) == {1024: 12, 2048: 12, 4096: 12}
        assert targets(case="gemv", density=1 / 16, **both) == {1024: None, 2048: 120, 4096: 120}
        assert targets(case="gemv", density=eighth, gated="output") == {1024: 6, 2048: 6, 4096: 6}
        assert targets(case="minibatch", batch=128, density=eighth, gated="output") == {512: 6, 1024: 6, 2048: 6}
        assert targets(case="minibatch", batch=128, density=1 / 4, gated="output") == {512: 3.6, 1024: 3.6, 2048: 3.6}
        assert targets(case="minibatch", batch=128, density=eighth, **both) == {512: 15, 1024: 10, 2048: 10}
        assert targets(case="minibatch", batch=128, density=1 / 16, **both) == {512: None, 1024: 20, 2048: 20}
        assert targets(case="training", gated="both") == {512: 5, 1024: 5, 2048: 5}
        assert targets(case="training_fused") == {512: 8, 1024: 8, 2048: 8}
        assert targets(case="mlp_batch1", baseline="dense") == {784: 15}
        assert targets(case="mlp_batch1", baseline="dense_equal_macs") == {784: 2}
        assert targets(case="mlp_test_pass", baseline="dense") == {784: 8}
        equal = {"case": "mlp_test_pass", "baseline": "dense_equal_macs"}
        assert by_batch(**equal) == {32: None, 128: 0.75, 512: 0.9}
        assert targets(case="mlp_epoch") == {784: 1 / 1.6}
        for width in (128, 256, 512):
            forward = {"case": "feed_forward", "d_in": width}
            assert by_batch(baseline="dense", **forward) == {1: 6, 64: 6, 512: 6, 2048: None}
            assert by_batch(baseline="dense_equal_macs", **forward) == {1: None, 64: 0.75, 512: 0.9, 2048: None}
        assert set(by_batch(case="feed_forward_training").values()) == {None}

    def test_the_ideal_is_what_multiply_adds_allow(self):
        assert LAYER.ideal == 4
        assert replace(LAYER, gated="output").ideal == 2
        assert replace(LAYER, baseline="dense_equal_macs").ideal == 1
        assert (FEED_FORWARD.ideal, replace(FEED_FORWARD, baseline="dense_equal_macs").ideal) == (4, 1)
        # 784 x 1024 + 1024 x 1024 + 1024 x 10 over 784 x (128 + 16) + 128 x (128 + 16) + 128 x 10.
        assert Case("mlp_batch1", 1, 784, 10, 64, 1 / 8, "both").ideal == pytest.approx(1861632 / 132608)

    def test_a_gpu_has_cases_of_its_own(self):
        found = cases("cuda")
        assert len(set(found)) == len(found)
        layers = [case for case in found if case.gated != "hidden"]
        assert {case.batch for case in layers} == {1, 16, 128, 2048, 8192}
        assert {case.density for case in found} == {1 / 16, 1 / 8, 1 / 4, 1 / 2}
        assert {case.baseline for case in layers} == {"dense", "masked", "grouped_mm"}
        # Targets were modelled for kernels that no host holds up.
        with_target = {(case.launch, case.d_in, case.density) for case in found if case.target is not None}
        assert with_target == {("graph", 4096, 1 / 8)}

    @pytest.mark.parametrize("device", ["cpu", "cuda"])
    def test_a_feed_forward_layer_is_compared_with_both_dense_ones_in_both_passes(self, device):
        found = [case for case in cases(device) if case.gated == "hidden"]
        assert {case.density for case in found} == {1 / 8}
        assert all(case.hidden == 4 * case.d_in == 4 * case.d_out for case in found)
        sizes = {(case.d_in, case.batch, case.launch) for case in found}
        kinds = ("feed_forward", "feed_forward_training")
        wanted = itertools.product(kinds, ("dense", "dense_equal_macs"), sizes)
        assert {(case.case, case.baseline, (case.d_in, case.batch, case.launch)) for case in found} == set(wanted)
        assert {size[1] for size in sizes} == {1, 64, 512, 2048}
        assert {size[2] for size in sizes} == ({"eager"} if device == "cpu" else {"eager", "graph"})

    @pytest.mark.parametrize("case", {(case.d_in, case.hidden) for case in cases("cuda") if case.gated == "hidden"})
    def test_the_layers_of_a_gpu_are_such_as_triton_can_run(self, case):
        width, hidden = case
        sizes = (hidden // 64, width // 64, 64, 64), (width // 64, hidden // 64, 64, 64)
        assert [_wrong_size(Call("cuda", torch.bfloat16, size, True, "open")) for size in sizes] == [None, None]

    def test_multiply_adds_are_those_of_open_blocks_and_of_every_product(self):
        # 8 rows from 128 units to 128, one of two blocks open on each side.
        assert (LAYER.macs, LAYER.baseline_macs) == (8 * 64 * 64, 8 * 128 * 128)
        output = replace(LAYER, gated="output")
        assert (output.macs, replace(output, case="training").macs) == (8 * 128 * 64, 3 * 8 * 128 * 64)
        # One of two blocks is the least, whatever the density.
        assert replace(output, density=1 / 16).macs == output.macs
        # Up from 128 to two of eight blocks, and down again.
        assert (FEED_FORWARD.macs, FEED_FORWARD.baseline_macs) == (8 * 2 * 128 * 128, 8 * 2 * 128 * 512)
        assert replace(FEED_FORWARD, baseline="dense_equal_macs").baseline_macs == FEED_FORWARD.macs
        network = Case("mlp_batch1", 1, 784, 10, 64, 1 / 8, "both")
        assert (network.macs, network.baseline_macs) == (132608, 1861632)
        assert replace(network, case="mlp_test_pass", batch=128).macs == 1000 * network.macs
        # No gradient to the data from 128 open units and 16 gates.
        assert replace(network, case="mlp_epoch").macs == 3500 * (3 * network.macs - 784 * (128 + 16))

    def test_one_call_of_a_graph_is_many(self):
        assert (LAYER.calls, replace(LAYER, launch="graph").calls) == (1, TURNS)


class TestContenders:
    @pytest.mark.parametrize("case", ["minibatch", "training", "training_fused"])
    @pytest.mark.parametrize("gated", ["output", "both"])
    def test_with_every_block_open_both_sides_compute_the_same(self, case, gated):
        ways, ours = contenders.contenders(replace(LAYER, case=case, gated=gated, density=1.0), "cpu")
        assert ("oneDNN" in ways) == (case == "minibatch" and one_dnn.available())
        for number, baseline in itertools.product((0, 1), ways.values()):
            expected, found = baseline(number), ours(number)
            if case == "training":
                assert isinstance(expected, tuple)
                assert isinstance(found, tuple)
                torch.testing.assert_close(found[0], expected[0], rtol=1e-3, atol=1e-4)
                blocks = expected[1].T.reshape(2, 64, 2, 64).permute(2, 0, 1, 3)
                torch.testing.assert_close(found[1], blocks, rtol=1e-3, atol=1e-4)
            else:
                torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4)

    @pytest.mark.parametrize("case", ["gemv", "minibatch"])
    def test_with_closed_blocks_ours_computes_the_gated_layer(self, case):
        made = replace(LAYER, case=case, batch=1 if case == "gemv" else 8)
        ways, unbound = contenders.contenders(replace(made, case="minibatch", baseline="masked"), "cpu")
        (masked,) = ways.values()
        _, ours = contenders.contenders(made, "cpu")
        for number in (0, 3):
            torch.testing.assert_close(ours(number), masked(number), rtol=1e-4, atol=1e-5)
            torch.testing.assert_close(unbound(number), masked(number), rtol=1e-4, atol=1e-5)

    def test_an_input_that_is_no_multiple_of_the_block_is_one_block(self):
        wide = replace(LAYER, case="training", d_in=100, gated="output", density=1.0)
        assert RandomLayer(wide, "cpu", torch.float32).weight.shape == (2, 1, 100, 64)
        ways, ours = contenders.contenders(wide, "cpu")
        expected, found = ways["eager"](0), ours(0)
        assert isinstance(expected, tuple)
        assert isinstance(found, tuple)
        torch.testing.assert_close(found[0], expected[0], rtol=1e-3, atol=1e-4)

    @pytest.mark.parametrize("gated", ["output", "both"])
    def test_the_baselines_of_a_gpu_compute_the_same_gated_layer(self, gated):
        layer = gpu_contenders._GpuLayer(replace(LAYER, gated=gated, batch=40), "cpu")
        for number in (0, 5):
            turn = number % len(layer.out_gates)
            x, weight, gates = layer.x[number % len(layer.x)], layer.weight, (layer._masks[turn], layer.out_gates[turn])
            right = block_linear(x, weight, layer.bias, *gates, activation="relu", backend="reference")
            for baseline in (layer.masked, layer.grouped):
                torch.testing.assert_close(baseline(number)[0], right, rtol=2e-2, atol=2e-2)

    @pytest.mark.parametrize("baseline", ["dense", "masked", "grouped_mm"])
    def test_training_on_a_gpu_gives_the_gradients_of_input_weight_and_bias(self, baseline):
        layer = gpu_contenders._GpuLayer(replace(LAYER, case="training", gated="output", batch=40), "cpu")
        forward = {"dense": layer.plain, "masked": layer.masked, "grouped_mm": layer.grouped}[baseline]
        gradients = layer.contender(forward)(1)
        assert isinstance(gradients, tuple)
        assert [gradient.shape for gradient in gradients] == [
            layer.x[1].shape,
            layer.weight.shape if baseline == "grouped_mm" else layer.dense.shape,
            layer.bias.shape,
        ]

    @pytest.mark.parametrize("case", ["feed_forward", "feed_forward_training"])
    def test_a_feed_forward_layer_with_every_block_open_computes_what_its_dense_twin_does(self, case):
        ways, ours = contenders.contenders(replace(FEED_FORWARD, case=case, density=1.0), "cpu")
        assert ("oneDNN" in ways) == (case == "feed_forward" and one_dnn.available())
        for number, baseline in itertools.product((0, 1), ways.values()):
            expected, found = baseline(number), ours(number)
            if case == "feed_forward":
                torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4)
                continue
            assert isinstance(expected, tuple)
            assert isinstance(found, tuple)
            assert [gradient.shape for gradient in expected] == [(8, 128), (512, 128), (512,), (128, 512), (128,)]
            for gradient, right in zip(found, expected, strict=True):
                if gradient.dim() == 4:
                    gradient = gradient.permute(0, 3, 1, 2).reshape(right.shape)
                torch.testing.assert_close(gradient, right, rtol=1e-3, atol=1e-4)

    @pytest.mark.parametrize("case", ["feed_forward", "feed_forward_training"])
    def test_a_feed_forward_layer_computes_what_the_reference_does(self, case):
        layer = FeedForward(replace(FEED_FORWARD, case=case), "cpu", torch.float32)
        for number in (0, 1):
            found, right = layer.ours("cpu")(number), layer.ours("reference")(number)
            torch.testing.assert_close(found, right, rtol=1e-4, atol=1e-5)
        closed = layer.up.out_gates[0] == 0
        assert closed.sum(dim=1).tolist() == [6] * 8

    @pytest.mark.parametrize("case", ["feed_forward", "feed_forward_training"])
    def test_the_dense_feed_forward_layer_of_equal_cost_makes_as_many_multiply_adds(self, case):
        equal = replace(FEED_FORWARD, case=case, baseline="dense_equal_macs")
        layer = FeedForward(equal, "cpu", torch.float32)
        (parameters,) = layer.dense_weights
        assert [tuple(parameter.shape) for parameter in parameters] == [(128, 128), (128,), (128, 128), (128,)]
        per_open_block = 64 * (128 + 128)
        open_blocks = layer.up.out_gates[0].sum(dim=1)
        made = parameters[0].numel() + parameters[2].numel()
        assert (per_open_block * open_blocks).tolist() == [made] * 8
        assert isinstance(layer.dense()(0), tuple if case == "feed_forward_training" else torch.Tensor)

    def test_gates_change_from_call_to_call_and_keep_to_the_density(self):
        layer = RandomLayer(LAYER, "cpu", torch.float32)
        assert len({tuple(gates.flatten().tolist()) for gates in layer.out_gates}) > 1
        assert all(torch.equal(gates.mean(dim=1), torch.full((8,), 0.5)) for gates in layer.out_gates)

    @pytest.mark.slow
    def test_the_trained_network_classifies_alike_one_by_one_and_in_batches(self):
        _, single = contenders.contenders(Case("mlp_batch1", 1, 784, 10, 64, 1 / 8, "both"), "cpu")
        _, whole = contenders.contenders(Case("mlp_test_pass", 128, 784, 10, 64, 1 / 8, "both"), "cpu")
        batches = whole(0)
        assert isinstance(batches, list)
        together = torch.cat(batches)
        for number in (0, 1, 200):
            logits = single(number)
            assert isinstance(logits, torch.Tensor)
            torch.testing.assert_close(logits, together[number], rtol=1e-3, atol=1e-4)
        trained, splits = contenders._trained(), contenders._splits()
        assert splits.test is not None
        assert len(splits.test.y) == MLP_TEST_EXAMPLES
        assert (together.argmax(dim=1) == splits.test.y).double().mean() > 0.8
        assert trained.network.architecture.network == "16x64,16x64"


class TestClock:
    def test_the_fastest_way_counts_by_its_best_burst(self, monkeypatch):
        monkeypatch.setattr(clock, "_calls", lambda contender, timer: 1)
        seconds = {"slow": itertools.repeat(2.0), "fast": itertools.cycle((9.0, 1.0))}
        ways: dict[str, Contender] = {name: lambda number, name=name: name for name in seconds}  # type: ignore[misc]
        timed = lambda way, count: Timed(5.0, next(seconds[way(0)]))  # noqa: E731
        monkeypatch.setattr(clock, "_on_processor", timed)
        assert clock.fastest(ways, "cpu") == ("fast", ways["fast"])

    def test_the_only_way_is_not_timed(self):
        only: dict[str, Contender] = {"eager": lambda number: pytest.fail("called")}
        assert clock.fastest(only, "cpu") == ("eager", only["eager"])

    def test_bursts_alternate_after_a_call_that_is_not_timed(self, monkeypatch):
        monkeypatch.setattr(clock, "_calls", lambda contender, timer: 2)
        called: list[str] = []
        times = clock.interleaved(lambda number: called.append("a"), lambda number: called.append("b"), "cpu", 3)
        assert len(times) == 3
        assert "".join(called) == 3 * "aaabbb"

    def test_a_slow_contender_is_called_once_per_burst(self, monkeypatch):
        monkeypatch.setattr(clock, "BURST_SECONDS", 1e-9)
        assert clock._calls(lambda number: sum(range(1000)), clock._on_processor) == 1


class TestMeasure:
    def test_the_speedup_is_the_median_of_ratios_with_percentiles(self, monkeypatch):
        times = [(Timed(wall, 2.0), Timed(1.0, 1.0)) for wall in (1.0, 2.0, 3.0, 4.0, 50.0)]
        monkeypatch.setattr(measuring, "interleaved", lambda baseline, ours, device: times)
        (found,) = measure([LAYER], "cpu", threads=1)
        assert (found.speedup, found.speedup_p10, found.speedup_p90) == pytest.approx((3.0, 1.4, 31.6))
        assert (found.processor_speedup, found.baseline_microseconds, found.microseconds) == (2.0, 3e6, 1e6)

    def test_shares_are_of_a_product_that_the_same_run_has_timed(self, monkeypatch):
        monkeypatch.setattr(measuring, "interleaved", lambda *_: [(Timed(5e-3, 4e-3), Timed(2e-3, 1e-3))])
        monkeypatch.setattr(measuring, "measured_peak", lambda: Peak(1e9, 2e9))
        (found,) = measure([LAYER], "cpu", threads=1)
        # 32768 multiply-adds in a millisecond, 131072 in four, of a million.
        assert (found.share_of_peak, found.baseline_share_of_peak) == pytest.approx((0.032768, 0.032768))
        written = found.as_dict()
        assert (written["macs"], written["peak_macs"], written["share_of_peak"]) == (32768, 1e9, found.share_of_peak)
        assert replace(found, peak=None).share_of_peak is None

    def test_the_peak_is_a_speed_that_no_case_exceeds_by_far(self):
        (found,) = measure([replace(LAYER, batch=256, d_in=512, d_out=512, density=1.0)], "cpu", threads=1)
        assert found.share_of_peak is not None
        assert 0.01 < found.share_of_peak < 3

    def test_threads_are_put_back(self, monkeypatch):
        monkeypatch.setattr(measuring, "interleaved", lambda *_: [(Timed(1.0, 1.0), Timed(1.0, 1.0))])
        monkeypatch.setattr(measuring, "measured_peak", lambda: Peak(1e9, 2e9))
        before = torch.get_num_threads()
        during = []
        measure([LAYER], "cpu", before + 1, lambda _: during.append(torch.get_num_threads()))
        assert (during, torch.get_num_threads()) == ([before + 1], before)

    def test_a_target_is_missed_by_the_median(self):
        assert row(replace(LAYER, target=8.1)).missed
        assert not row(replace(LAYER, target=8.0)).missed
        assert not row().missed

    def test_targets_are_for_one_thread(self):
        two = replace(row(replace(LAYER, target=8.1)), threads=2)
        assert two.target is None
        assert not two.missed
        assert two.as_dict()["target"] is None


def test_the_table_marks_misses_and_counts_them():
    console = Console(width=400, force_terminal=False, record=True)
    rows = [row(replace(LAYER, target=10.0)), row(replace(LAYER, target=5.0)), row()]
    print_head(console)
    for each in rows:
        print_row(console, each)
    print_verdict(console, rows)
    head, first, second, third, verdict = console.export_text().splitlines()
    assert head.split()[:3] == ["case", "batch", "units"]
    assert first.endswith("missed")
    assert "200%" in first
    assert not second.endswith("missed")
    assert not third.endswith("missed")
    assert verdict == "1 of 2 targets met"


def test_the_table_has_shares_of_the_peak_and_says_what_that_is():
    console = Console(width=400, force_terminal=False, record=True)
    rows = [replace(row(replace(LAYER, target=5.0)), peak=Peak(65.536e9, 65.536e9))]
    for each in rows:
        print_row(console, each)
    print_verdict(console, rows)
    line, peak, reading, _ = console.export_text().splitlines()
    # 32768 multiply-adds in 10 microseconds, 131072 in 80; 65536 bytes of weights, of which ours needs 90 %.
    assert line.split()[-3:] == ["5/2.5", "9/1.2", "5"]
    assert reading.endswith("100 is torch's sum of 16 MiB, 66 GB; caches are faster")
    assert peak.endswith("100 is torch's fastest product of two matrices of 2048 x 2048, 66 billion")


def test_shares_above_the_peak_are_whole_numbers():
    console = Console(width=400, force_terminal=False, record=True)
    print_row(console, replace(row(), peak=Peak(1e9, 1e9)))
    assert "328/164" in console.export_text().split()


def test_a_speedup_below_one_has_two_digits():
    console = Console(width=400, force_terminal=False, record=True)
    print_row(console, row(replace(FEED_FORWARD, baseline="dense_equal_macs"), value=0.444))
    cells = console.export_text().split()
    assert cells[:2] == ["feed_forward", "8"]
    assert cells[8:11] == ["10.0", "0.44", "-0.56-1.4"]


class TestFigure:
    ROWS = tuple(
        row(Case("gemv" if batch == 1 else "minibatch", batch, 1024, 1024, 64, density, gated)).as_dict()
        for gated in ("output", "both")
        for batch in (1, 128)
        for density in (1 / 4, 1 / 8)
    )

    def test_it_shows_layers_of_one_width_against_dense_in_order(self):
        others = [
            row(replace(LAYER, d_in=512, d_out=512)).as_dict(),
            row(Case("minibatch", 128, 1024, 1024, 64, 1 / 8, "both", "masked")).as_dict(),
            row(Case("training", 128, 1024, 1024, 64, 1 / 8, "both")).as_dict(),
        ]
        drawn = speedup.numbers([*self.ROWS, *others])
        assert len(drawn) == len(self.ROWS)
        assert drawn["density"].tolist() == [1 / 8, 1 / 4] * 4

    def test_of_a_gpu_it_shows_what_graphs_take(self):
        graphs = [{**each, "launch": "graph", "speedup": 3.0} for each in self.ROWS]
        drawn = speedup.numbers([*self.ROWS, *graphs])
        assert drawn["speedup"].tolist() == [3.0] * len(self.ROWS)

    def test_the_picture_lies_beside_its_numbers(self, tmp_path):
        speedup.write(self.ROWS, tmp_path / "s.png")
        assert (tmp_path / "s.png").stat().st_size > 1000
        assert len(pd.read_csv(tmp_path / "s.csv")) == len(self.ROWS)

    def test_lines_are_the_medians_and_the_ideal(self):
        figure = speedup._draw(speedup.numbers(self.ROWS))
        both = figure.axes[1]
        assert both.get_title() == "gates on both sides"
        drawn = [np.asarray(line.get_ydata()).tolist() for line in both.lines]
        assert (drawn[0], drawn[2:]) == ([64, 16], [[8, 8], [8, 8]])

    def test_without_a_layer_there_is_no_picture(self, tmp_path):
        training = row(Case("training", 128, 512, 512, 64, 1 / 8, "both")).as_dict()
        with pytest.raises(ValueError, match="no row is of a layer of 1024 units"):
            speedup.write([training], tmp_path / "s.png")
        assert list(tmp_path.iterdir()) == []
