package import ModelGraph
package import NumericFormats

/// Pictures of digits, classified.
package struct DigitsTask: Hashable, Sendable {
  /// What stands between the pixels and the classes.
  package enum Network: Hashable, Sendable {
    /// One hidden layer of that width, ReLU behind it.
    case perceptron(hidden: Int)
    /// 3 × 3 convolutions to these channels with ReLU, all but the first with stride 2, then a
    /// dense layer.
    case convolutional(channels: [Int])
  }

  /// The data file, relative to the folder of workloads.
  package var data: String
  /// Pixels per picture, which is square.
  package var features: Int
  /// The largest value of a pixel in the file: pixels are divided by it.
  package var featureScale: Double
  /// Classes.
  package var classes: Int
  /// The network.
  package var network: Network

  /// A classification of these pictures.
  package init(
    data: String, features: Int, featureScale: Double, classes: Int, network: Network
  ) {
    self.data = data
    self.features = features
    self.featureScale = featureScale
    self.classes = classes
    self.network = network
  }
}

/// Clicks on combinations of features, predicted by a factorisation machine (Rendle, 2010).
///
/// The clicks are drawn from a machine of the same form whose numbers are seeded: some are chance,
/// so that no prediction is perfect.
package struct ClickTask: Hashable, Sendable {
  /// Values of each feature; the k-th most frequent one has a share of about k^(−exponent).
  package var counts: [Int]
  /// The exponent of that law.
  package var exponent: Double
  /// Factors of a value.
  package var width: Int
  /// Examples, held-out ones included.
  package var examples: Int
  /// Standard deviation of the logit that the drawn clicks follow.
  package var signal: Double

  /// A prediction of clicks.
  package init(counts: [Int], exponent: Double, width: Int, examples: Int, signal: Double) {
    self.counts = counts
    self.exponent = exponent
    self.width = width
    self.examples = examples
    self.signal = signal
  }

  /// Rows of the one table of all features' values.
  package var rows: Int { counts.reduce(0, +) }
}

/// The next byte of a text, predicted by a causal transformer from the bytes before it.
package struct TextTask: Hashable, Sendable {
  /// The text, relative to the folder of workloads.
  package var data: String
  /// Bytes below that count.
  package var vocabulary: Int
  /// Bytes of a window, which is one example.
  package var context: Int
  /// Width of the stream that layers add to.
  package var width: Int
  /// Layers.
  package var layers: Int
  /// Heads of each layer; they divide `width`.
  package var heads: Int
  /// Width between the two products of a feed-forward part.
  package var feedForward: Int

  /// A prediction of that text's bytes.
  package init(
    data: String, vocabulary: Int, context: Int, width: Int, layers: Int, heads: Int,
    feedForward: Int
  ) {
    self.data = data
    self.vocabulary = vocabulary
    self.context = context
    self.width = width
    self.layers = layers
    self.heads = heads
    self.feedForward = feedForward
  }
}

/// What a training is about: data, network, loss and what is measured on held-out examples.
package enum TrainingTask: Hashable, Sendable {
  /// The share of pictures that are classified rightly.
  case digits(DigitsTask)
  /// The area under the curve of true against false positives.
  case clicks(ClickTask)
  /// Bits that a byte of a text costs under the predicted chances.
  case text(TextTask)

  /// What `throughput` counts in one example: an image, a sample, or the bytes of a window.
  package var itemsPerExample: Int {
    if case .text(let text) = self { text.context } else { 1 }
  }
}

/// What a measure of held-out examples must reach.
package enum TrainingTarget: Hashable, Sendable {
  /// That share, between 0 and 1.
  case atLeast(Double)
  /// Less than what a trigram model of the same training text costs.
  case belowTrigrams
}

/// Training until a measure of held-out examples reaches its target.
package struct TrainingParameters: Hashable, Sendable {
  /// What is learnt.
  package var task: TrainingTask
  /// How weights follow their gradients.
  package var optimizer: Optimizer
  /// Examples per step.
  package var batch: Int
  /// Passes over the training examples, at most.
  package var epochs: Int
  /// Every n-th example is held out of training; of a text its last n-th part.
  package var heldOutEvery: Int
  /// What the measure must reach.
  package var target: TrainingTarget
  /// How weights are kept between steps; products run on copies in the workload's format.
  package var weights = NumberFormat.float32
  /// True when the device rounds what it stores at random, in proportion to the distances.
  package var roundsStochastically = false

  /// A training run of these parameters.
  package init(
    task: TrainingTask, optimizer: Optimizer, batch: Int, epochs: Int, heldOutEvery: Int,
    target: TrainingTarget
  ) {
    self.task = task
    self.optimizer = optimizer
    self.batch = batch
    self.epochs = epochs
    self.heldOutEvery = heldOutEvery
    self.target = target
  }
}
