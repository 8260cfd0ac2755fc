package import Hardware
import NumericFormats
import Units

/// How many tokens meet a mixture of experts: dealt to slots in the order of their experts, so that
/// blocks of slots belong to one expert each and are products like any other.
///
/// How many tokens choose an expert is known on the device alone, so there are as many blocks as
/// any choice can need: those of all choices, and one more for each expert, whose last block may
/// hold a single token. Four kernels follow each other: `ExpertDispatchKernel` finds each choice's
/// slot, `EmbeddingKernel` brings the tokens there, `ExpertBlockKernel` computes a block with the
/// weights of its expert, `ExpertCombineKernel` adds up what each token finds in its slots.
/// Source: the scheme of blocks is that of MegaBlocks (Gale et al., arXiv 2211.15841, section 5).
package struct ExpertGroups: Hashable, Sendable {
  /// Tokens of a block.
  package let block: Int
  /// Blocks.
  package let blocks: Int

  /// Places for tokens.
  package var slots: Int { block * blocks }

  /// Sizes of blocks: from a tile of tokens to the columns of a bank.
  static let sizes = [128, 256, 512]
  /// The most tokens: whole numbers that bf16 holds exactly count tiles of them.
  static let mostTokens = 256 * 128
  /// The fewest tokens: more than the experts of all tokens meet at once.
  private static let fewestTokens = 65

  /// The blocks of the least time on a device, or nil where all experts of all tokens take less.
  package init?(_ layer: ExpertLayerKernel, on device: Device) {
    let (d, f) = (layer.width, layer.hidden)
    // Few tokens stay as they are: four kernels more would take longer than what they save.
    guard d >= 128, d % 128 == 0, f % 128 == 0, layer.format.sizeBytes == 2, layer.experts > 0,
      (Self.fewestTokens...Self.mostTokens).contains(layer.tokens), layer.experts <= 512,
      d <= device.memory.sbufBytesPerPartition.value / ExpertCombineKernel.bytesPerColumn,
      f <= Int(Int32.max) / (layer.experts * d * layer.format.sizeBytes)
    else { return nil }
    let bytes = 3 * d * f * layer.format.sizeBytes
    // Time of one expert's weights with so many tokens: read once, or streamed against.
    let tiles = 3 * (d / 128) * (f / 128)
    let clock = device.clocks.tensor.value
    func time(_ tokens: Int) -> Int64 {
      max(
        Int64(bytes) * 1_000_000 / max(1, device.hbmBytesPerMicrosecondPerCore),
        clock.picoseconds(cycles: Int64(tiles * tokens)).value)
    }
    func blocks(_ size: Int) -> Int {
      // Any choice leaves fewer than one block of each expert unfilled.
      let choices = layer.tokens * layer.chosen
      return choices / size + min(layer.experts, choices)
    }
    let all = Int64(ceilDivide(layer.tokens, 64) * layer.experts) * time(64)
    let best = Self.sizes.min { a, b in
      Int64(blocks(a)) * time(a) < Int64(blocks(b)) * time(b)
    }
    guard let best, Int64(blocks(best)) * time(best) < all else { return nil }
    block = best
    self.blocks = blocks(best)
  }
}
