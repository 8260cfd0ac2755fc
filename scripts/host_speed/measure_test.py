"""Checks the script's own arithmetic: no trnbench and nothing large is run."""

import json
import math
import os
import stat
import tempfile
import unittest
from pathlib import Path

import numpy as np

import measure
import numpy_work

# Stands in for the binary: prints the document that a real run would print.
FAKE_BINARY = """#!/usr/bin/env python3
import json, sys
words = sys.argv[1:]
mode = words[words.index("--mode") + 1]
assert words[0] == "run" and words[words.index("--format") + 1] == "json"
metrics = {"host_wall_seconds": {"value": 2.5, "unit": "s", "better": "lower", "kind": "host"},
           "simulated_instructions_per_second": {"value": 3e7}, "host_peak_bytes": {"value": 2**28}}
if "fail" in words[1]:
    sys.exit("no such workload")
print(json.dumps({"schema": 1, "runs": [{"workload": words[1], "mode": mode, "metrics": metrics}]}))
"""


def document(**changes):
    run = {"workload": "a/b", "metrics": {"host_wall_seconds": {"value": 1.5}}}
    return {"schema": 1, "runs": [run], **changes}


class ParsingTests(unittest.TestCase):
    def test_reads_the_value(self):
        self.assertEqual(measure.read_metric(document(), "a/b", "host_wall_seconds"), 1.5)

    def test_refuses_what_it_does_not_understand(self):
        negative = {"workload": "a/b", "metrics": {"host_wall_seconds": {"value": -1}}}
        missing = {"workload": "a/b", "metrics": {"host_wall_seconds": {"value": None}}}
        cases = [
            (document(schema=2), "a/b", "host_wall_seconds", "schema 1"),
            (document(), "a/c", "host_wall_seconds", "expected one run of a/c, found: a/b"),
            (document(runs=[]), "a/b", "host_wall_seconds", "found: none"),
            (document(), "a/b", "host_peak_bytes", "there are: host_wall_seconds"),
            (document(runs=[negative]), "a/b", "host_wall_seconds", "not a positive number"),
            (document(runs=[missing]), "a/b", "host_wall_seconds", "not a positive number"),
        ]
        for given, workload, metric, words in cases:
            with self.subTest(words), self.assertRaisesRegex(measure.MeasurementError, words):
                measure.read_metric(given, workload, metric)


class RunTests(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.binary = Path(self.folder.name) / "trnbench"
        self.binary.write_text(FAKE_BINARY, encoding="utf-8")
        self.binary.chmod(self.binary.stat().st_mode | stat.S_IXUSR)
        self.addCleanup(self.folder.cleanup)

    def test_whole_report_with_stand_ins(self):
        host = measure.Host(self.binary, measure.last_cpu())

        class Worker:
            times = iter([1.0, 5.0, 1.25])
            seconds = lambda self: next(self.times)
            __enter__ = lambda self: self
            __exit__ = lambda self, *_: None

        host.numpy_worker = lambda name: Worker()
        pair = measure.measure_pair(host, "matmul", 3)
        self.assertEqual(pair["ratio_of_medians"], 2.0)
        self.assertEqual(pair["numpy_seconds"]["n"], 3)
        timing = measure.measure_timing(host, 2)
        self.assertEqual(timing["instructions_per_second"]["median"], 3e7)
        report = {"schema": 1, "host": measure.describe_host(0, True),
                  "measurements": [pair, timing]}
        text = measure.table(report)
        self.assertIn("2.00", text)
        self.assertIn("30 M instructions/s (30..30)", text)
        self.assertIn("256 MiB", text)
        self.assertEqual(json.loads(json.dumps(report)), report)

    def test_kernels_beside_blas_and_the_vector_units(self):
        def speed(rate, nanoseconds):
            return {
                "clock_gigahertz": 2.0, "analytic_gigaflops": 64.0,
                "vector_unit": {"name": "AVX2", "units": 2, "float_lanes": 8},
                "tiles": [{"name": "bf16, moving tile kept", "gigaflops": rate}],
                "rows": [{
                    "name": "add", "elements": 2048, "nanoseconds_per_element": nanoseconds,
                    "gigabytes_per_second": 12 / nanoseconds, "copy_gigabytes_per_second": 90.0,
                    "vector_unit_nanoseconds_per_element": 0.0625}],
            }

        # Two thousand products of 16.8 MFLOP in a second are 33.55 GFLOP/s.
        entry = measure.kernel_report(
            [speed(30, 0.25), speed(40.26, 0.125)], [1.0, 2.0], {("add", 2048): 0.5})
        self.assertAlmostEqual(entry["blas_gigaflops"], 33.554432)
        self.assertAlmostEqual(entry["tiles"][0]["ratio_to_blas"], 1.2, places=3)
        self.assertEqual(entry["rows"][0]["nanoseconds_per_element"], 0.125)
        self.assertEqual(entry["rows"][0]["numpy_nanoseconds_per_element"], 0.5)
        report = {"schema": 1, "host": measure.describe_host(0, True), "measurements": [entry]}
        text = measure.table(report)
        self.assertRegex(text, r"trnbench bf16, moving tile kept +40\.3 +1\.20 +0\.63")
        self.assertRegex(text, r"NumPy fp32 +33\.6 +1\.00 +0\.52")
        self.assertRegex(text, r"2 AVX2 units at 2\.00 GHz +64\.0")
        self.assertRegex(text, r"add +2048 +0\.125 +96\.0 +90\.0 +0\.062 +0\.500")

    def test_failure_carries_the_message(self):
        host = measure.Host(self.binary, measure.last_cpu())
        with self.assertRaisesRegex(measure.MeasurementError, "no such workload"):
            host.trnbench("fail/me", "timing")

    def test_numpy_worker_answers_each_request(self):
        program = ("import sys, numpy_work; numpy_work.WORK['small'] = "
                   "lambda: numpy_work.matmul_work(16); numpy_work.main('small')")
        environment = os.environ.get("PYTHONPATH")
        os.environ["PYTHONPATH"] = str(measure.HERE)
        try:
            with measure.NumPyWorker([measure.sys.executable, "-c", program]) as worker:
                self.assertGreater(worker.seconds(), 0)
                self.assertGreater(worker.seconds(), 0)
        finally:
            if environment is None:
                del os.environ["PYTHONPATH"]
            else:
                os.environ["PYTHONPATH"] = environment


class LayerTests(unittest.TestCase):
    """The layer against the same formulas written element by element in float64."""

    shape = numpy_work.LayerShape(
        tokens=5, hidden=12, heads=4, key_value_heads=2, head_size=6, feed_forward=10)

    def setUp(self):
        generator = np.random.default_rng(7)
        self.weights = numpy_work.layer_weights(self.shape, generator)
        self.weights["attention_norm"] = generator.standard_normal(12).astype(np.float32)
        self.x = generator.standard_normal((5, 12)).astype(np.float32)
        self.tables = numpy_work.rotary_tables(self.shape)

    def layer(self, x):
        return numpy_work.decoder_layer(x, self.weights, self.shape, self.tables)

    def test_equals_the_formulas(self):
        expected = slow_layer(self.x, self.weights, self.shape)
        np.testing.assert_allclose(self.layer(self.x), expected, rtol=2e-5, atol=2e-5)

    def test_is_causal(self):
        changed = self.x.copy()
        changed[3:] += 1
        np.testing.assert_array_equal(self.layer(changed)[:3], self.layer(self.x)[:3])
        self.assertTrue((self.layer(changed)[3:] != self.layer(self.x)[3:]).any())

    def test_counts_operations_of_the_real_shape(self):
        # 2 * 512 * (4096*4096*2 + 4096*1024*2 + 3*4096*14336) plus 4 * 32 * 512 * 512 * 128.
        self.assertEqual(numpy_work.LayerShape().operations, 223_338_299_392 + 4_294_967_296)

    def test_product_has_its_size(self):
        self.assertEqual(numpy_work.matmul_work(8)().shape, (8, 8))
        self.assertEqual(numpy_work.tile_work(products=1)().shape, (128, 512))

    def test_rows_are_counted(self):
        for operation in numpy_work.ROW_OPERATIONS:
            for count in numpy_work.ROW_LENGTHS:
                work = numpy_work.row_work(operation, count, rows=64)
                work()
                self.assertEqual(work.elements, 64 * 2_048)


def slow_layer(x, weights, shape):
    w = {name: value.astype(np.float64) for name, value in weights.items()}
    x = x.astype(np.float64)
    h = slow_norm(x, w["attention_norm"], shape)
    q, k, v = h @ w["query"], h @ w["key"], h @ w["value"]
    size, share = shape.head_size, shape.heads // shape.key_value_heads
    attended = np.zeros_like(q)
    for head in range(shape.heads):
        own, shared = head * size, head // share * size
        for t in range(shape.tokens):
            a = slow_rotate(q[t, own:own + size], t, shape)
            scores = [
                a @ slow_rotate(k[s, shared:shared + size], s, shape) / math.sqrt(size)
                for s in range(t + 1)
            ]
            weight = np.exp(np.array(scores))
            weight /= weight.sum()
            for s in range(t + 1):
                attended[t, own:own + size] += weight[s] * v[s, shared:shared + size]
    x = x + attended @ w["output"]
    h = slow_norm(x, w["feed_forward_norm"], shape)
    gate = h @ w["gate"]
    return x + (gate / (1 + np.exp(-gate)) * (h @ w["up"])) @ w["down"]


def slow_norm(x, weight, shape):
    rows = [row / math.sqrt(float(row @ row) / len(row) + shape.epsilon) * weight for row in x]
    return np.array(rows)


def slow_rotate(x, position, shape):
    half = shape.head_size // 2
    result = np.zeros_like(x)
    for i in range(half):
        angle = position * shape.rope_base ** (-i / half)
        result[i] = x[i] * math.cos(angle) - x[i + half] * math.sin(angle)
        result[i + half] = x[i + half] * math.cos(angle) + x[i] * math.sin(angle)
    return result


if __name__ == "__main__":
    unittest.main()
