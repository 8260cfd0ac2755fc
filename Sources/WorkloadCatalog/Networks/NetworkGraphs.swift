package import ModelGraph
package import NumericFormats

/// A network whose graph is built by a file of its own, from the numbers in its workload's file.
package protocol NetworkGraphs: Hashable, Sendable {
  /// The graph of one evaluation.
  func graph(named name: String, format: NumberFormat) throws(GraphError) -> Graph
  /// What `throughput` counts in one evaluation: images, samples, points.
  var itemCount: Int { get }
  /// True where the graph is a step of training, not an evaluation.
  var isTraining: Bool { get }
}

extension NetworkGraphs {
  /// Most networks are evaluated.
  package var isTraining: Bool { false }
}

/// A network that a workload's file describes.
protocol ReadableNetwork: NetworkGraphs {
  /// Reads the numbers that stand beside `network`. Throws what `YAMLSection` finds.
  static func read(_ section: inout YAMLSection) throws(WorkloadError) -> Self
}

/// The networks that a workload can name.
enum NetworkName: String, CaseIterable {
  case resNet = "ResNet"
  case visionTransformer = "VisionTransformer"
  case retinaNet = "RetinaNet"
  case diffusionUNet = "DiffusionUNet"
  case volumeUNet = "VolumeUNet"
  case recommender = "DLRM-DCNv2"
  case twoTower = "TwoTower"
  case sequenceRecommender = "SASRec"
  case interest = "DIN"
  case transducer = "HSTU"
  case graphAttention = "R-GAT"
  case neighbourForce = "NeighbourForce"
  case stencil = "Stencil3D"
  case fourier = "FourierTransform"

  /// The builder of that name.
  var builder: any ReadableNetwork.Type {
    switch self {
    case .resNet: ResNetGraphs.self
    case .visionTransformer: VisionTransformerGraphs.self
    case .retinaNet: RetinaNetGraphs.self
    case .diffusionUNet: DiffusionUNetGraphs.self
    case .volumeUNet: VolumeUNetGraphs.self
    case .recommender: RecommenderGraphs.self
    case .twoTower: TwoTowerGraphs.self
    case .sequenceRecommender: SequenceRecommenderGraphs.self
    case .interest: InterestGraphs.self
    case .transducer: TransducerGraphs.self
    case .graphAttention: GraphAttentionGraphs.self
    case .neighbourForce: NeighbourForceGraphs.self
    case .stencil: StencilGraphs.self
    case .fourier: FourierGraphs.self
    }
  }
}

/// Any network, as a value that can be compared.
package struct Network: Hashable, Sendable {
  /// What builds its graph.
  package let graphs: any NetworkGraphs

  /// Wraps a network.
  package init(_ graphs: any NetworkGraphs) { self.graphs = graphs }

  /// Reads `network` and the numbers beside it. Throws what `YAMLSection` finds.
  static func read(_ section: inout YAMLSection) throws(WorkloadError) -> Network {
    let name = try section.choice("network", of: NetworkName.self)
    return Network(try name.builder.read(&section))
  }

  package static func == (a: Network, b: Network) -> Bool {
    AnyHashable(a.graphs) == AnyHashable(b.graphs)
  }

  package func hash(into hasher: inout Hasher) { hasher.combine(AnyHashable(graphs)) }
}
