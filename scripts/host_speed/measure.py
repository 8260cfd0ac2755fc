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
# NumPy's operation beside a row kernel of ours, where it has the same.
ROW_TWINS = {"add": "add", "max": "max", "exp (activation)": "exp"}


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

    def kernel_speed(self):
        """What the host kernels reach, as `kernelspeed` prints it."""
        command = self.prefix + [str(self.binary.with_name("kernelspeed"))]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise MeasurementError(f"{' '.join(command)} failed: {done.stderr.strip()}")
        return json.loads(done.stdout)

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


def measure_kernels(host, repeats):
    """The kernels that instructions run on, beside NumPy's, in turn; the fastest of each counts,
    because everything else that runs on the machine only adds."""
    with host.numpy_worker("tile") as worker:
        speeds, seconds = [], []
        for _ in range(repeats):
            seconds.append(worker.seconds())
            speeds.append(host.kernel_speed())
    twins = {}
    for operation in numpy_work.ROW_OPERATIONS:
        for count in numpy_work.ROW_LENGTHS:
            name = f"{operation}-{count}"
            elements = numpy_work.WORK[name]().elements
            with host.numpy_worker(name) as worker:
                fastest = min(worker.seconds() for _ in range(repeats))
            twins[operation, count] = fastest / elements * 1e9
    return kernel_report(speeds, seconds, twins)


def kernel_report(speeds, numpy_seconds, twins):
    """One entry from several runs of both programs."""
    blas = numpy_work.OPERATIONS["tile"] / min(numpy_seconds) / 1e9
    tiles = []
    for index, tile in enumerate(speeds[0]["tiles"]):
        rate = max(speed["tiles"][index]["gigaflops"] for speed in speeds)
        tiles.append({"name": tile["name"], "gigaflops": rate, "ratio_to_blas": rate / blas})
    rows = []
    for index, row in enumerate(speeds[0]["rows"]):
        best = min(
            (speed["rows"][index] for speed in speeds), key=lambda r: r["nanoseconds_per_element"])
        rows.append({**best, "numpy_nanoseconds_per_element":
                     twins.get((ROW_TWINS.get(row["name"]), row["elements"]))})
    return {
        "name": "kernels", "blas_gigaflops": blas, "n": len(speeds),
        "clock_gigahertz": max(speed["clock_gigahertz"] for speed in speeds),
        "vector_unit": speeds[0]["vector_unit"],
        "analytic_gigaflops": max(speed["analytic_gigaflops"] for speed in speeds),
        "tiles": tiles, "rows": rows,
    }


def kernel_tables(entry):
    """Two tables: tile products, and kernels over rows."""
    tiles = [("tile product 128x128x512", "GFLOP/s", "of BLAS fp32", "of the vector units")]
    limit = entry["analytic_gigaflops"]
    tiles.append(("NumPy fp32", f"{entry['blas_gigaflops']:.1f}", "1.00",
                  f"{entry['blas_gigaflops'] / limit:.2f}"))
    for tile in entry["tiles"]:
        tiles.append((f"trnbench {tile['name']}", f"{tile['gigaflops']:.1f}",
                      f"{tile['ratio_to_blas']:.2f}", f"{tile['gigaflops'] / limit:.2f}"))
    unit = entry["vector_unit"]
    noun = "unit" if unit["units"] == 1 else "units"
    tiles.append((f"{unit['units']} {unit['name']} {noun} at {entry['clock_gigahertz']:.2f} GHz",
                  f"{limit:.1f}", "", "1.00"))
    rows = [("fp32 rows", "elements", "ns/element", "GB/s", "copy GB/s", "vector unit ns",
             "NumPy ns")]
    for row in entry["rows"]:
        twin = row["numpy_nanoseconds_per_element"]
        rows.append((
            row["name"], str(row["elements"]), f"{row['nanoseconds_per_element']:.3f}",
            f"{row['gigabytes_per_second']:.1f}", f"{row['copy_gigabytes_per_second']:.1f}",
            f"{row['vector_unit_nanoseconds_per_element']:.3f}",
            "" if twin is None else f"{twin:.3f}"))
    return aligned(tiles) + [""] + aligned(rows)


def aligned(rows):
    """Rows as lines of columns of one width, a rule under the first."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip()
             for row in rows]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return lines


def table(report):
    """The report as aligned text."""
    lines = []
    for entry in report["measurements"]:
        if entry["name"] == "kernels":
            lines += kernel_tables(entry) + [""]
    if any(entry["name"] != "kernels" for entry in report["measurements"]):
        lines += whole_runs(report) + [""]
    host = report["host"]
    lines.append(f"{host['cpu']}, CPU {host['pinned_to']}, one thread each; NumPy {host['numpy']} "
                 f"with {host['blas']}. Whole runs: medians, then the range over n alternating "
                 "repeats; kernels: the fastest of the repeats.")
    return "\n".join(lines)


def whole_runs(report):
    """The measurements of whole runs as lines."""
    rows = [("measurement", "trnbench", "NumPy fp32", "GFLOP/s", "trnbench / NumPy", "n")]
    for entry in report["measurements"]:
        if entry["name"] == "kernels":
            continue
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
    return aligned(rows)


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
    parser.add_argument("--only", default="kernels,matmul,layer,timing", metavar="NAMES")
    parser.add_argument("--cpu", type=int, default=last_cpu(), metavar="N")
    parser.add_argument("--binary", type=Path, default=Path(".build/release/trnbench"))
    options = parser.parse_args(arguments)
    options.only = options.only.split(",")
    unknown = [name for name in options.only if name not in (*PAIRS, "timing", "kernels")]
    if unknown:
        parser.error(f"--only knows kernels, matmul, layer and timing, not {', '.join(unknown)}")
    if options.repeats < 1:
        parser.error("--repeats is at least 1")
    if not options.binary.is_file():
        parser.error(f"{options.binary} is missing; scripts/bench builds it")
    if "kernels" in options.only and not options.binary.with_name("kernelspeed").is_file():
        parser.error("kernelspeed is missing beside it; 'swift build -c release --product kernelspeed' builds it")
    return options


def measure(options):
    host = Host(options.binary, options.cpu)
    measurements = []
    if "kernels" in options.only:
        measurements.append(measure_kernels(host, options.repeats))
    measurements += [measure_pair(host, name, options.repeats) for name in PAIRS
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
