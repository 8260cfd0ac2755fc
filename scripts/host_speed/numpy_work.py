"""The NumPy side: a matrix product and one decoder layer, each repeated on request.

Run as a program it prepares its data, runs once to warm up, prints "ready", and then answers each
line on standard input with the seconds that one more run took.
"""

import sys
import time
from dataclasses import dataclass

import numpy as np

SEED = 1


@dataclass(frozen=True)
class LayerShape:
    """One decoder layer with grouped-query attention; the defaults are Llama 3.1 8B's."""

    tokens: int = 512
    hidden: int = 4096
    heads: int = 32
    key_value_heads: int = 8
    head_size: int = 128
    feed_forward: int = 14336
    rope_base: float = 500_000.0
    epsilon: float = 1e-5

    @property
    def operations(self):
        """Multiplications and additions in the matrix products; attention counted in full."""
        projections = self.hidden * self.head_size * (2 * self.heads + 2 * self.key_value_heads)
        attention = 2 * self.heads * self.tokens * self.head_size
        return 2 * self.tokens * (projections + attention + 3 * self.hidden * self.feed_forward)


def layer_weights(shape, generator):
    """Random weights in fp32, scaled so that activations keep their size."""

    def matrix(rows, columns):
        values = generator.standard_normal((rows, columns), dtype=np.float32)
        return values * np.float32(rows**-0.5)

    key_value = shape.key_value_heads * shape.head_size
    return {
        "attention_norm": np.ones(shape.hidden, np.float32),
        "query": matrix(shape.hidden, shape.heads * shape.head_size),
        "key": matrix(shape.hidden, key_value),
        "value": matrix(shape.hidden, key_value),
        "output": matrix(shape.heads * shape.head_size, shape.hidden),
        "feed_forward_norm": np.ones(shape.hidden, np.float32),
        "gate": matrix(shape.hidden, shape.feed_forward),
        "up": matrix(shape.hidden, shape.feed_forward),
        "down": matrix(shape.feed_forward, shape.hidden),
    }


def rms_norm(x, weight, epsilon):
    mean_square = np.mean(np.square(x), axis=-1, keepdims=True)
    return x / np.sqrt(mean_square + np.float32(epsilon)) * weight


def rotary_tables(shape):
    """Cosine and sine by position and by half of the head's elements."""
    half = shape.head_size // 2
    frequency = shape.rope_base ** (-np.arange(half, dtype=np.float64) / half)
    angle = np.arange(shape.tokens)[:, None] * frequency
    return np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)


def rotate(x, cosine, sine):
    """Rotates element i with element i + half; x is (heads, tokens, head size)."""
    first, second = np.split(x, 2, axis=-1)
    return np.concatenate(
        (first * cosine - second * sine, second * cosine + first * sine), axis=-1
    )


def causal_attention(query, key, value):
    """query: (heads, tokens, size); key and value: (fewer heads, tokens, size)."""
    heads, tokens, size = query.shape
    groups = key.shape[0]
    grouped = query.reshape(groups, heads // groups, tokens, size)
    scores = grouped @ np.swapaxes(key, -1, -2)[:, None]
    scores *= np.float32(size**-0.5)
    scores += np.triu(np.full((tokens, tokens), -np.inf, np.float32), k=1)
    scores -= scores.max(axis=-1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=-1, keepdims=True)
    return (scores @ value[:, None]).reshape(heads, tokens, size)


def decoder_layer(x, weights, shape, tables):
    """x is (tokens, hidden); returns the same shape."""

    def split_heads(y, heads):
        return y.reshape(shape.tokens, heads, shape.head_size).swapaxes(0, 1)

    normed = rms_norm(x, weights["attention_norm"], shape.epsilon)
    query = rotate(split_heads(normed @ weights["query"], shape.heads), *tables)
    key = rotate(split_heads(normed @ weights["key"], shape.key_value_heads), *tables)
    value = split_heads(normed @ weights["value"], shape.key_value_heads)
    attended = causal_attention(query, key, value).swapaxes(0, 1).reshape(shape.tokens, -1)
    x = x + attended @ weights["output"]

    normed = rms_norm(x, weights["feed_forward_norm"], shape.epsilon)
    gate = normed @ weights["gate"]
    activated = gate / (1 + np.exp(-gate)) * (normed @ weights["up"])
    return x + activated @ weights["down"]


def matmul_work(size=4096):
    generator = np.random.default_rng(SEED)
    left = generator.standard_normal((size, size), dtype=np.float32)
    right = generator.standard_normal((size, size), dtype=np.float32)
    return lambda: left @ right


def layer_work(shape=LayerShape()):
    generator = np.random.default_rng(SEED)
    weights = layer_weights(shape, generator)
    x = generator.standard_normal((shape.tokens, shape.hidden), dtype=np.float32)
    tables = rotary_tables(shape)
    return lambda: decoder_layer(x, weights, shape, tables)


def tile_work(depth=128, rows=128, columns=512, products=2_000):
    """A tile product of the tensor engine, many times: a @ b into c."""
    generator = np.random.default_rng(SEED)
    a = generator.standard_normal((rows, depth), dtype=np.float32)
    b = generator.standard_normal((depth, columns), dtype=np.float32)
    c = np.empty((rows, columns), np.float32)

    def work():
        for _ in range(products):
            np.matmul(a, b, out=c)
        return c

    return work


def row_work(operation, count, rows=2_000):
    """An element-wise operation on fp32 rows, many times; operands and result stay in a cache."""
    generator = np.random.default_rng(SEED)
    a = generator.uniform(-2, 2, count).astype(np.float32)
    b = generator.uniform(0, 2.5, count).astype(np.float32)
    c = np.empty(count, np.float32)
    repeats = max(1, rows * 2_048 // count)
    steps = {
        "add": lambda: np.add(a, b, out=c),
        "max": lambda: np.maximum(a, b, out=c),
        "exp": lambda: np.exp(a, out=c),
    }
    step = steps[operation]

    def work():
        for _ in range(repeats):
            step()

    work.elements = repeats * count
    return work


ROW_LENGTHS = (2_048, 65_536)
ROW_OPERATIONS = ("add", "max", "exp")
WORK = {"matmul": matmul_work, "layer": layer_work, "tile": tile_work}
for _operation in ROW_OPERATIONS:
    for _count in ROW_LENGTHS:
        WORK[f"{_operation}-{_count}"] = (
            lambda operation=_operation, count=_count: row_work(operation, count))
OPERATIONS = {
    "matmul": 2 * 4096**3, "layer": LayerShape().operations, "tile": 2_000 * 2 * 128 * 128 * 512,
}


def main(name):
    work = WORK[name]()
    work()
    print("ready", flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        work()
        print(time.perf_counter() - start, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
