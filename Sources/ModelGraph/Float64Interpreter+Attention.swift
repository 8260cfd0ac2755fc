import Foundation
import Threads

/// One query token of one head: its probabilities over the keys that it sees.
struct AttentionRow {
  let attention: Attention
  let at: HeadPosition
  let keyHead: Int
  /// The first key that the query sees.
  let first: Int
  let query: [Double]
  let scores: [Double]
  let probabilities: [Double]

  init(_ attention: Attention, _ inputs: [TensorView], at: HeadPosition) {
    self.attention = attention
    self.at = at
    keyHead = at.head / attention.groupSize
    var start = at
    start.channel = 0
    query = inputs[0].vector(
      start: attention.queryLayout.index(of: start, in: attention.query),
      stride: attention.queryLayout.channelStride(in: attention.query),
      count: attention.query.channels)
    let visible = attention.visibleKeys(queryToken: at.token)
    first = attention.firstVisibleKey(queryToken: at.token)
    let raw = Self.products(
      query, inputs[1], attention, batch: at.batch, head: keyHead, visible: first..<visible)
    scores = raw.map { $0 * attention.scale }
    probabilities = Float64Interpreter.softmax(scores)
  }

  /// Q · k for each visible key, walking K along whichever axis is contiguous.
  private static func products(
    _ query: [Double], _ keys: TensorView, _ attention: Attention, batch: Int, head: Int,
    visible: Range<Int>
  ) -> [Double] {
    let layout = attention.keyLayout
    func index(_ token: Int, _ channel: Int) -> Int {
      layout.index(
        of: HeadPosition(batch: batch, head: head, token: token, channel: channel),
        in: attention.key)
    }
    if layout.channelStride(in: attention.key) == 1 {
      return visible.map {
        dot(query, keys.vector(start: index($0, 0), stride: 1, count: query.count))
      }
    }
    var sums = [Double](repeating: 0, count: visible.count)
    for channel in query.indices {
      let row = keys.vector(
        start: index(visible.lowerBound, channel), stride: 1, count: visible.count)
      for token in sums.indices { sums[token] += query[channel] * row[token] }
    }
    return sums
  }

  /// One channel of the visible values.
  func values(_ view: TensorView, channel: Int) -> [Double] {
    let start = HeadPosition(batch: at.batch, head: keyHead, token: first, channel: channel)
    return view.vector(
      start: attention.valueLayout.index(of: start, in: attention.key),
      stride: attention.valueLayout.tokenStride(in: attention.key), count: probabilities.count)
  }

  /// One channel of the result.
  func output(_ view: TensorView, channel: Int) -> Double {
    dot(probabilities, values(view, channel: channel))
  }
}

extension Float64Interpreter {
  /// Single elements; the probabilities of each query token needed are computed once.
  static func attentionElements(
    _ attention: Attention, _ inputs: [TensorView], at indices: [Int]
  ) -> [Double] {
    byAttentionRow(attention, inputs, at: indices) { row, channel in
      row.output(inputs[2], channel: channel)
    }
  }

  /// What `value` makes of the row and the channel of each element; rows are met in order, and
  /// each is computed once on a thread.
  static func byAttentionRow(
    _ attention: Attention, _ inputs: [TensorView], at indices: [Int],
    _ value: @Sendable (AttentionRow, Int) -> Double
  ) -> [Double] {
    let places = indices.map { attention.outputLayout.position(of: $0, in: attention.query) }
    let order = indices.indices.sorted { places[$0] < places[$1] }
    return HostThreads.numbers(visiting: order, size: 32) { part in
      var row: AttentionRow?
      return part.map { position in
        var at = places[position]
        at.channel = 0
        let current =
          row.flatMap { $0.at == at ? $0 : nil } ?? AttentionRow(attention, inputs, at: at)
        row = current
        return value(current, places[position].channel)
      }
    }
  }

  /// Every element: sequence by sequence, head by head, token by token.
  static func wholeAttention(_ attention: Attention, _ inputs: [TensorView]) -> [Double] {
    let lengths = attention.query
    let rows = lengths.batch * lengths.heads * lengths.tokens
    let values = HostThreads.map(Array(0..<rows), size: 16) { part in
      part.flatMap { place in
        let (head, token) = place.quotientAndRemainder(dividingBy: lengths.tokens)
        let at = HeadPosition(
          batch: head / lengths.heads, head: head % lengths.heads, token: token, channel: 0)
        let row = AttentionRow(attention, inputs, at: at)
        return (0..<lengths.channels).map { row.output(inputs[2], channel: $0) }
      }
    }
    var result = [Double](repeating: 0, count: values.count)
    for (place, value) in values.enumerated() {
      let (row, channel) = place.quotientAndRemainder(dividingBy: lengths.channels)
      let (head, token) = row.quotientAndRemainder(dividingBy: lengths.tokens)
      let at = HeadPosition(
        batch: head / lengths.heads, head: head % lengths.heads, token: token, channel: channel)
      result[attention.outputLayout.index(of: at, in: lengths)] = value
    }
    return result
  }
}
