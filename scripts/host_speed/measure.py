"""Runs NumPy and trnbench side by side on one CPU and prints one table, or JSON."""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy_work

HERE = Path(__file__).resolve().parent
PAIRS = {
    "matmul": ("kernel/matmul-4096-bf16", "4096^3 product"),
    "layer": ("llm/llama3.1-8b-layer-prefill", "Llama 3.1 8B layer, 512 tokens"),
}
TIMING = ("llm/llama3.1-8b-prefill", "timing mode")


class MeasurementError(Exception):
    """Something that a person has to put right; the message says what."""


@dataclass
class Samples:
    """Repeated measurements of one quantity."""

    values: list

    @property
    def median(self):
        return statistics.median(self.values)

    def as_json(self):
        return {
            "n": len(self.values), "median": self.median, "min": min(self.values),
            "max": max(self.values), "samples": self.values,
        }


def read_metric(document, workload, name):
    """The value of one metric in what `trnbench run --format json` printed."""
    if document.get("schema") != 1:
        raise MeasurementError(f"expected JSON of schema 1, found {document.get('schema')!r}")
    runs = [run for run in document.get("runs", []) if run.get("workload") == workload]
    if len(runs) != 1:
        found = ", ".join(str(run.get("workload")) for run in document.get("runs", [])) or "none"
        raise MeasurementError(f"expected one run of {workload}, found: {found}")
    metrics = runs[0].get("metrics", {})
    if name not in metrics:
        raise MeasurementError(f"{workload}: no metric {name}; there are: {', '.join(metrics)}")
    value = metrics[name].get("value")
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value <= 0:
        raise MeasurementError(f"{workload}: {name} is {value!r}, not a positive number")
    return value


class Host:
    """Starts both programs pinned to one CPU."""

    def __init__(self, binary, cpu):
        self.binary = binary
        self.prefix = ["taskset", "-c", str(cpu)] if shutil.which("taskset") else []

    def trnbench(self, workload, mode):
        """Runs one workload once, in a process of its own, and returns its JSON document."""
        with tempfile.TemporaryDirectory() as folder:
            command = self.prefix + [
                str(self.binary), "run", workload, "--device", "trn2", "--mode", mode,
                "--trace", "off", "--jobs", "1", "--format", "json", "--output", folder,
            ]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            words = " ".join(command)
            raise MeasurementError(f"{words}\nended with {done.returncode}: {done.stderr.strip()}")
        try:
            return json.loads(done.stdout)
        except json.JSONDecodeError as error:
            raise MeasurementError(f"{workload}: standard output is not JSON: {error}") from error

    def numpy_worker(self, name):
        return NumPyWorker(self.prefix + [sys.executable, str(HERE / "numpy_work.py"), name])


class NumPyWorker:
    """A NumPy process that has its data ready and times one run per request."""

    def __init__(self, command):
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._read("ready")

    def _read(self, expected=None):
        line = self.process.stdout.readline().strip()
        if not line or (expected and line != expected):
            raise MeasurementError(f"the NumPy process said {line!r} and should not have")
        return line

    def seconds(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return float(self._read())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


def measure_pair(host, name, repeats):
    """Alternates the two programs, so that a change of the machine's speed hits both."""
    workload, what = PAIRS[name]
    ours, theirs = [], []
    with host.numpy_worker(name) as worker:
        for _ in range(repeats):
            theirs.append(worker.seconds())
            document = host.trnbench(workload, "functional")
            ours.append(read_metric(document, workload, "host_wall_seconds"))
    ours, theirs = Samples(ours), Samples(theirs)
    return {
        "name": name, "workload": workload, "what": what, "trnbench_seconds": ours.as_json(),
        "numpy_seconds": theirs.as_json(),
        "numpy_gigaflops": numpy_work.OPERATIONS[name] / theirs.median / 1e9,
        "ratio_of_medians": ours.median / theirs.median,
    }


def measure_timing(host, repeats):
    workload, what = TIMING
    rates, peaks = [], []
    for _ in range(repeats):
        document = host.trnbench(workload, "timing")
        rates.append(read_metric(document, workload, "simulated_instructions_per_second"))
        peaks.append(read_metric(document, workload, "host_peak_bytes"))
    return {
        "name": "timing", "workload": workload, "what": what,
        "instructions_per_second": Samples(rates).as_json(), "peak_bytes": Samples(peaks).as_json(),
    }


def table(report):
    """The report as aligned text."""
    rows = [("measurement", "trnbench", "NumPy fp32", "GFLOP/s", "trnbench / NumPy", "n")]
    for entry in report["measurements"]:
        if entry["name"] == "timing":
            rate, peak = entry["instructions_per_second"], entry["peak_bytes"]
            rows.append((
                f"{entry['workload']}, {entry['what']}", spread(rate, 1e-6, "M instructions/s"),
                "", "", "", str(rate["n"])))
            rows.append((
                "  peak resident memory, largest", f"{peak['max'] / 2**20:.0f} MiB", "", "", "",
                str(peak["n"])))
        else:
            ours, theirs = entry["trnbench_seconds"], entry["numpy_seconds"]
            rows.append((
                entry["what"], spread(ours, 1, "s"), spread(theirs, 1, "s"),
                f"{entry['numpy_gigaflops']:.1f}", f"{entry['ratio_of_medians']:.2f}", str(ours["n"])))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip()
             for row in rows]
    lines.insert(1, "  ".join("-" * width for width in widths))
    host = report["host"]
    lines.append("")
    lines.append(f"{host['cpu']}, CPU {host['pinned_to']}, one thread each; NumPy {host['numpy']} "
                 f"with {host['blas']}. Medians, then the range over n alternating repeats.")
    return "\n".join(lines)


def spread(samples, scale, unit):
    low, high = samples["min"] * scale, samples["max"] * scale
    return f"{samples['median'] * scale:.3g} {unit} ({low:.3g}..{high:.3g})"


def describe_host(cpu, is_pinned):
    import numpy

    blas = numpy.show_config(mode="dicts").get("Build Dependencies", {}).get("blas", {})
    return {
        "cpu": cpu_model(), "pinned_to": cpu if is_pinned else "any (no taskset here)",
        "numpy": numpy.__version__, "python": platform.python_version(),
        "blas": f"{blas.get('name', 'unknown BLAS')} {blas.get('version', '')}".strip(),
    }


def cpu_model():
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def last_cpu():
    """The last CPU that this process may use: interrupts tend to land on the first."""
    return max(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0


def parse_arguments(arguments):
    parser = argparse.ArgumentParser(prog="scripts/measure-host-speed")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    parser.add_argument("--repeats", type=int, default=5, metavar="N")
    parser.add_argument("--only", default="matmul,layer,timing", metavar="NAMES")
    parser.add_argument("--cpu", type=int, default=last_cpu(), metavar="N")
    parser.add_argument("--binary", type=Path, default=Path(".build/release/trnbench"))
    options = parser.parse_args(arguments)
    options.only = options.only.split(",")
    unknown = [name for name in options.only if name not in (*PAIRS, "timing")]
    if unknown:
        parser.error(f"--only knows matmul, layer and timing, not {', '.join(unknown)}")
    if options.repeats < 1:
        parser.error("--repeats is at least 1")
    if not options.binary.is_file():
        parser.error(f"{options.binary} is missing; scripts/bench builds it")
    return options


def measure(options):
    host = Host(options.binary, options.cpu)
    measurements = [measure_pair(host, name, options.repeats) for name in PAIRS
                    if name in options.only]
    if "timing" in options.only:
        measurements.append(measure_timing(host, options.repeats))
    return {"schema": 1, "host": describe_host(options.cpu, bool(host.prefix)),
            "measurements": measurements}


def main(arguments):
    options = parse_arguments(arguments)
    try:
        report = measure(options)
    except MeasurementError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(json.dumps(report, indent=2) if options.json else table(report))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
